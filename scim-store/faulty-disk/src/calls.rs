//! Replacements for the functions of the C library that SQLite and the standard library call.
//!
//! A symbol that is linked into the program is used instead of the one of a shared library. Each function does its work
//! by a system call, and records it for the disk.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use libc::{c_char, c_int, c_long, c_uint, c_void, off64_t, size_t, ssize_t};

use crate::disk::{Change, Kind, Shared, holder, is_kept};

/// An open file, or the open folder.
#[derive(Clone)]
struct Handle {
    disk: Arc<Shared>,
    /// `None` if it is the folder.
    inode: Option<usize>,
    /// How many failed syncs of the file were reported to this descriptor.
    told: Arc<AtomicU64>,
}

static HANDLES: RwLock<BTreeMap<c_int, Handle>> = RwLock::new(BTreeMap::new());

/// Which descriptors are watched. Most calls use other ones, and take no lock.
static IS_WATCHED: [AtomicBool; 4_096] = [const { AtomicBool::new(false) }; 4_096];

fn flag(descriptor: c_int) -> Option<&'static AtomicBool> {
    usize::try_from(descriptor).ok().and_then(|number| IS_WATCHED.get(number))
}

fn handle(descriptor: c_int) -> Option<Handle> {
    flag(descriptor).filter(|flag| flag.load(Ordering::Acquire))?;
    HANDLES.read().unwrap_or_else(PoisonError::into_inner).get(&descriptor).cloned()
}

fn fail(errno: c_int) -> c_int {
    // SAFETY: the C library gives each thread a place for its error.
    unsafe { *libc::__errno_location() = errno };
    -1
}

fn path_of<'a>(path: *const c_char) -> Option<&'a Path> {
    // SAFETY: callers of the C library pass a string that ends with a zero byte and lives as long as the call.
    (!path.is_null()).then(|| Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes())))
}

fn int(result: c_long) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

fn kept(name: Option<&OsString>) -> bool {
    name.is_none_or(is_kept)
}

/// Opens a file.
///
/// # Safety
///
/// The requirements of the C library's function.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
    let open = || {
        // SAFETY: the caller's arguments, unchanged.
        int(unsafe { libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, flags | libc::O_LARGEFILE, mode) })
    };
    let Some((disk, name)) = path_of(path).and_then(holder).filter(|(_, name)| kept(name.as_ref())) else {
        return open();
    };
    let mut state = disk.state();
    let descriptor = open();
    if descriptor < 0 {
        return descriptor;
    }
    let inode = name.map(|name| state.file(&name).0);
    if let (Some(inode), true) = (inode, flags & libc::O_TRUNC != 0) {
        state.changes.push(Change::Cut { inode, length: 0 });
    }
    let told = Arc::new(AtomicU64::new(inode.map_or(0, |inode| state.failures(inode))));
    drop(state);
    if let Some(flag) = flag(descriptor) {
        let mut handles = HANDLES.write().unwrap_or_else(PoisonError::into_inner);
        handles.insert(descriptor, Handle { disk, inode, told });
        flag.store(true, Ordering::Release);
    }
    descriptor
}

/// Closes a file.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn close(descriptor: c_int) -> c_int {
    if let Some(flag) = flag(descriptor)
        && flag.swap(false, Ordering::AcqRel)
    {
        HANDLES.write().unwrap_or_else(PoisonError::into_inner).remove(&descriptor);
    }
    // SAFETY: the caller gives the descriptor up.
    int(unsafe { libc::syscall(libc::SYS_close, descriptor) })
}

/// Reads at an offset.
///
/// # Safety
///
/// The requirements of the C library's function.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pread64(
    descriptor: c_int,
    to: *mut c_void,
    length: size_t,
    at: off64_t,
) -> ssize_t {
    if let Some(plan) = handle(descriptor).and_then(|handle| handle.disk.state().strike(Kind::Read)) {
        return fail(plan.errno) as ssize_t;
    }
    // SAFETY: the caller's arguments, unchanged.
    (unsafe { libc::syscall(libc::SYS_pread64, descriptor, to, length, at) }) as ssize_t
}

/// Writes at an offset.
///
/// # Safety
///
/// The requirements of the C library's function.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite64(
    descriptor: c_int,
    from: *const c_void,
    length: size_t,
    at: off64_t,
) -> ssize_t {
    let write = |length: size_t| {
        // SAFETY: the caller's arguments, except that a torn write has a shorter length.
        (unsafe { libc::syscall(libc::SYS_pwrite64, descriptor, from, length, at) }) as ssize_t
    };
    // SAFETY: the caller lends `length` bytes for the call.
    unsafe { written(descriptor, from, length, || u64::try_from(at).unwrap_or_default(), write) }
}

/// Writes at the file's own position. The store does so only at the end of a file.
///
/// # Safety
///
/// The requirements of the C library's function.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn write(descriptor: c_int, from: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: the caller's arguments, except that a torn write has a shorter length.
    let write =
        |length: size_t| (unsafe { libc::syscall(libc::SYS_write, descriptor, from, length) }) as ssize_t;
    // SAFETY: the caller lends `length` bytes for the call.
    unsafe { written(descriptor, from, length, || end_of(descriptor), write) }
}

/// Writes, and records the write for the disk.
///
/// # Safety
///
/// `from` points to `length` bytes.
unsafe fn written(
    descriptor: c_int,
    from: *const c_void,
    length: size_t,
    at: impl Fn() -> u64,
    write: impl Fn(size_t) -> ssize_t,
) -> ssize_t {
    let Some(Handle { disk, inode: Some(inode), .. }) = handle(descriptor) else { return write(length) };
    let mut state = disk.state();
    let plan = state.strike(Kind::Write);
    let length = match plan {
        Some(plan) if plan.torn => length / 2,
        Some(_) => 0,
        None => length,
    };
    let at = at();
    let written = if length == 0 && plan.is_some() { 0 } else { write(length) };
    if let Ok(many) = usize::try_from(written)
        && many > 0
    {
        // SAFETY: this many bytes were just written from there.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), many) }.to_vec();
        state.changes.push(Change::Write { inode, at, bytes });
    }
    plan.map_or(written, |plan| fail(plan.errno) as ssize_t)
}

fn end_of(descriptor: c_int) -> u64 {
    // SAFETY: the call fills this struct of integers, for which zeros are valid.
    let mut found: libc::stat64 = unsafe { std::mem::zeroed() };
    // SAFETY: the struct lives as long as the call.
    if unsafe { libc::fstat64(descriptor, &raw mut found) } == 0 {
        u64::try_from(found.st_size).unwrap_or_default()
    } else {
        0
    }
}

/// Syncs the data of a file. The disk of a test is the list of changes, so the real disk is not synced.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    match handle(descriptor) {
        Some(handle) => synced(&handle),
        // SAFETY: the caller's argument, unchanged.
        None => int(unsafe { libc::syscall(libc::SYS_fdatasync, descriptor) }),
    }
}

/// Syncs the data of a file and its metadata.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn fsync(descriptor: c_int) -> c_int {
    match handle(descriptor) {
        Some(handle) => synced(&handle),
        // SAFETY: the caller's argument, unchanged.
        None => int(unsafe { libc::syscall(libc::SYS_fsync, descriptor) }),
    }
}

fn synced(handle: &Handle) -> c_int {
    let mut state = handle.disk.state();
    let Some(inode) = handle.inode else {
        // SQLite syncs the folder and ignores the result.
        state.changes.push(Change::NamesSynced);
        return 0;
    };
    match state.sync(inode, handle.told.load(Ordering::SeqCst)) {
        Ok(()) => 0,
        Err((failures, errno)) => {
            handle.told.store(failures, Ordering::SeqCst);
            fail(errno)
        }
    }
}

/// Truncates a file.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn ftruncate64(descriptor: c_int, length: off64_t) -> c_int {
    // SAFETY: the caller's arguments, unchanged.
    let cut = || int(unsafe { libc::syscall(libc::SYS_ftruncate, descriptor, length) });
    let Some(Handle { disk, inode: Some(inode), .. }) = handle(descriptor) else { return cut() };
    let mut state = disk.state();
    if let Some(plan) = state.strike(Kind::Truncate) {
        return fail(plan.errno);
    }
    let result = cut();
    if result == 0 {
        let length = u64::try_from(length).unwrap_or_default();
        state.changes.push(Change::Cut { inode, length });
    }
    result
}

/// Removes a name.
///
/// # Safety
///
/// The requirements of the C library's function.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: the caller's argument, unchanged.
    let unlink = || int(unsafe { libc::syscall(libc::SYS_unlinkat, libc::AT_FDCWD, path, 0) });
    let Some((disk, Some(name))) = path_of(path).and_then(holder).filter(|(_, name)| kept(name.as_ref()))
    else {
        return unlink();
    };
    let mut state = disk.state();
    let result = unlink();
    if result == 0 {
        state.unlink(&name);
    }
    result
}

/// Refuses to map a watched file. SQLite then reads the file, and a read can fail.
///
/// # Safety
///
/// The requirements of the C library's function.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn mmap64(
    at: *mut c_void,
    length: size_t,
    protection: c_int,
    flags: c_int,
    descriptor: c_int,
    offset: off64_t,
) -> *mut c_void {
    if flags & libc::MAP_ANONYMOUS == 0 && handle(descriptor).is_some() {
        fail(libc::ENOMEM);
        return libc::MAP_FAILED;
    }
    // SAFETY: the caller's arguments, unchanged.
    (unsafe { libc::syscall(libc::SYS_mmap, at, length, protection, flags, descriptor, offset) })
        as *mut c_void
}
