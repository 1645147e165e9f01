//! Lets a host count the memory that request bodies take.

use std::fmt;
use std::sync::Arc;

use http::Extensions;
use scim_core::Error;

/// Counts the bytes of one request's body that are kept.
///
/// A host that limits the memory of all requests puts a [`Reservation`] into the extensions of a request. The server
/// asks it before it keeps a part of the body, as the parts arrive. It does not ask for bytes that it reads and drops.
/// The host takes the bytes back when the request has ended.
pub trait Reserve: Send + Sync {
    /// Reserves this many more bytes.
    ///
    /// # Errors
    ///
    /// The server has no room for them. The error is the answer to the request, most often 503 with
    /// [`retry_after`](Error::retry_after).
    fn reserve(&self, bytes: usize) -> Result<(), Error>;
}

/// The extension of a request that counts the bytes of its body.
///
/// ```
/// use std::sync::Arc;
/// use http::StatusCode;
/// use scim_core::Error;
/// use scim_server::{Reservation, Reserve};
///
/// struct AtMost(usize);
///
/// impl Reserve for AtMost {
///     fn reserve(&self, bytes: usize) -> Result<(), Error> {
///         if bytes <= self.0 { Ok(()) } else { Err(Error::new(StatusCode::SERVICE_UNAVAILABLE, "no room")) }
///     }
/// }
///
/// let mut request = http::Request::new("{}");
/// request.extensions_mut().insert(Reservation::new(Arc::new(AtMost(1 << 20))));
/// ```
#[derive(Clone)]
pub struct Reservation(Arc<dyn Reserve>);

impl Reservation {
    /// Creates a reservation that counts with `reserve`.
    pub fn new(reserve: Arc<dyn Reserve>) -> Self {
        Self(reserve)
    }

    /// Asks the host for this many bytes, if it counts them.
    pub(crate) fn ask(extensions: &Extensions, bytes: usize) -> Result<(), Error> {
        extensions.get::<Self>().map_or(Ok(()), |reservation| reservation.0.reserve(bytes))
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").finish_non_exhaustive()
    }
}
