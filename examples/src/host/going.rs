//! The body of an answer until it is sent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Frame, SizeHint};
use scim_core::Error;
use scim_server::Body;
use scim_server_traits::StoreError;

use super::held::Held;

/// How much of an answer is given to the connection at a time. The rest stays here, so that it is visible whether the
/// client takes any of it.
const PIECE: usize = 16 << 10;

/// The body of an answer. It holds its part of the budget until the last byte is sent or dropped.
#[derive(Debug)]
pub(super) struct Going {
    body: Body,
    /// What came from the body, but was not given to the connection yet.
    rest: Bytes,
    held: Arc<Held>,
}

/// Bytes together with the part of the budget that they hold.
struct Owned {
    bytes: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Makes the response that is sent, and counts its memory from now on.
///
/// # Errors
///
/// 503 if the budget has no room.
pub(super) fn going(response: Response<Body>, held: &Arc<Held>) -> Result<Response<Going>, Error> {
    held.count(response.body().held())?;
    Ok(uncounted(response, held))
}

/// Makes the response that is sent from a small one, such as a refusal. Its memory is not counted.
pub(super) fn uncounted(response: Response<Body>, held: &Arc<Held>) -> Response<Going> {
    held.answered();
    response.map(|body| Going { body, rest: Bytes::new(), held: Arc::clone(held) })
}

impl http_body::Body for Going {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        let this = self.get_mut();
        this.held.moved();
        if this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_frame(task) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) => {
                        this.rest = Bytes::from_owner(Owned { bytes, _held: Arc::clone(&this.held) });
                    }
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return other,
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        match hint.exact() {
            Some(length) => SizeHint::with_exact(length + rest),
            None => SizeHint::default(),
        }
    }
}
