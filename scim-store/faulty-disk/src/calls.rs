//! The calls of the C library that SQLite and the standard library use, in place of its own.
//!
//! What is linked into a program comes before what a shared library has under the same name. Each function does what it
//! is named for by a system call, and tells the disk.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use libc::{c_char, c_int, c_long, c_uint, c_void, off64_t, size_t, ssize_t};

use crate::disk::{Change, Kind, Shared, holder, is_kept};

/// A file, or the folder, that is open.
#[derive(Clone)]
struct Handle {
    disk: Arc<Shared>,
    /// `None` for the folder.
    inode: Option<usize>,
    /// How many failed syncs of the file were reported to this descriptor.
    told: Arc<AtomicU64>,
}

static HANDLES: RwLock<BTreeMap<c_int, Handle>> = RwLock::new(BTreeMap::new());

/// Which descriptors are among these: most calls are of others, and lock nothing.
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
    // SAFETY: callers of the C library pass a string that ends with a zero and lives as long as the call.
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
/// As the function of the C library.
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

/// Reads at a place.
///
/// # Safety
///
/// As the function of the C library.
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

/// Writes at a place.
///
/// # Safety
///
/// As the function of the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn pwrite64(
    descriptor: c_int,
    from: *const c_void,
    length: size_t,
    at: off64_t,
) -> ssize_t {
    let write = |length: size_t| {
        // SAFETY: the caller's arguments, but for a shorter length where a write is torn.
        (unsafe { libc::syscall(libc::SYS_pwrite64, descriptor, from, length, at) }) as ssize_t
    };
    // SAFETY: the caller lends so many bytes for the call.
    unsafe { written(descriptor, from, length, || u64::try_from(at).unwrap_or_default(), write) }
}

/// Writes where the file's own position is; the store does so only behind the end.
///
/// # Safety
///
/// As the function of the C library.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn write(descriptor: c_int, from: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: the caller's arguments, but for a shorter length where a write is torn.
    let write =
        |length: size_t| (unsafe { libc::syscall(libc::SYS_write, descriptor, from, length) }) as ssize_t;
    // SAFETY: the caller lends so many bytes for the call.
    unsafe { written(descriptor, from, length, || end_of(descriptor), write) }
}

/// Writes, and tells the disk.
///
/// # Safety
///
/// `from` leads to `length` bytes.
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
        // SAFETY: so many were just written from there.
        let bytes = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), many) }.to_vec();
        state.changes.push(Change::Write { inode, at, bytes });
    }
    plan.map_or(written, |plan| fail(plan.errno) as ssize_t)
}

fn end_of(descriptor: c_int) -> u64 {
    // SAFETY: an integer of this size for the call to fill; all zeros are one.
    let mut found: libc::stat64 = unsafe { std::mem::zeroed() };
    // SAFETY: the place for the answer lives as long as the call.
    if unsafe { libc::fstat64(descriptor, &raw mut found) } == 0 {
        u64::try_from(found.st_size).unwrap_or_default()
    } else {
        0
    }
}

/// Has on the disk what was written. The disk of a test is the list of changes, so the real one is not asked.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn fdatasync(descriptor: c_int) -> c_int {
    match handle(descriptor) {
        Some(handle) => synced(&handle),
        // SAFETY: the caller's argument, unchanged.
        None => int(unsafe { libc::syscall(libc::SYS_fdatasync, descriptor) }),
    }
}

/// Has on the disk what was written, and the file's metadata.
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
        // SQLite asks for it, and does not look at the answer.
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

/// Cuts a file.
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

/// Takes a name away.
///
/// # Safety
///
/// As the function of the C library.
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

/// Maps nothing of a file that is watched: SQLite reads it then, and reading can fail.
///
/// # Safety
///
/// As the function of the C library.
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
