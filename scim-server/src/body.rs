//! The body of a response, and reading the body of a request.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use scim_core::Error;
use scim_server_traits::StoreError;

use crate::reserve::Reservation;

/// A response body that any HTTP stack can send. It is a stream if a resource is too large to be held, such as a group
/// with a million members.
#[derive(Default)]
pub struct Body(Content);

enum Content {
    Whole(Bytes),
    Streamed { chunks: Chunks, held: usize },
}

type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

impl Default for Content {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Body {
    /// Creates an empty body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Creates a body that is sent in chunks. `held` is how much memory they take until the last one is sent.
    pub(crate) fn streamed(
        chunks: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static,
        held: usize,
    ) -> Self {
        Self(Content::Streamed { chunks: Box::pin(chunks), held })
    }

    /// Returns how many bytes of memory the body takes until it is sent or dropped. That is its length, or an estimate
    /// if it is a stream. A host that limits its memory can count them.
    pub fn held(&self) -> usize {
        match &self.0 {
            Content::Whole(bytes) => bytes.len(),
            Content::Streamed { held, .. } => *held,
        }
    }

    /// Returns all bytes, held in memory at once.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails in the middle of a stream.
    pub async fn into_bytes(self) -> Result<Bytes, StoreError> {
        match self.0 {
            Content::Whole(bytes) => Ok(bytes),
            streamed @ Content::Streamed { .. } => Ok(Self(streamed).collect().await?.to_bytes()),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Whole(bytes) => f.debug_tuple("Body").field(bytes).finish(),
            Content::Streamed { .. } => f.debug_struct("Body").finish_non_exhaustive(),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Content::Whole(bytes))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        match &mut self.0 {
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Content::Streamed { chunks, .. } => chunks.poll_next_unpin(task).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Streamed { .. } => SizeHint::default(),
        }
    }
}

/// How many bytes are read and dropped, so that a client that is still sending sees the error instead of a broken
/// connection.
const DRAIN: usize = 64 << 20;

/// Reads a request's body to its end.
///
/// Bytes beyond `limit` are read and dropped, up to a bound. If the client waits for permission to send (`Expect`) and
/// has announced too many bytes, none are read.
///
/// # Errors
///
/// - 413 beyond `limit` bytes.
/// - The error of a [`Reservation`] if the host has no room.
/// - If the connection breaks: the error of the body itself if it is an [`Error`], otherwise 400 `invalidSyntax`.
pub(crate) async fn read<B>(mut body: Pin<&mut B>, limit: usize, parts: &Parts) -> Result<Bytes, Error>
where
    B: http_body::Body + Send,
    B::Error: fmt::Display + 'static,
{
    let too_large = || {
        let detail = format!("the body is larger than the {limit} bytes that are taken");
        Error::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    if is_awaited(&parts.headers) && body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    // Most bodies are one frame, which is not copied.
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    let mut is_too_large = false;
    while !is_too_large && let Some(frame) = body.as_mut().frame().await {
        let Ok(mut data) = frame.map_err(broken)?.into_data() else { continue };
        is_too_large = first.len() + all.len() + data.remaining() > limit;
        if is_too_large {
            continue;
        }
        Reservation::ask(&parts.extensions, data.remaining())?;
        if first.is_empty() && all.is_empty() {
            first = data.copy_to_bytes(data.remaining());
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.put(data);
        }
    }
    if is_too_large {
        drop((first, all));
        drain(body).await;
        return Err(too_large());
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// Returns why a body did not come to its end. A host that gives it up reports an [`Error`].
fn broken<E: fmt::Display + 'static>(error: E) -> Error {
    let told = (&error as &dyn Any).downcast_ref::<Error>().cloned();
    told.unwrap_or_else(|| Error::invalid_syntax(format!("the body could not be read: {error}")))
}

/// Drops the body of a refused request. What the client is already sending is read. A client that waits for permission
/// to send sends nothing after a refusal.
pub(crate) async fn discard<B: http_body::Body>(body: Pin<&mut B>, headers: &HeaderMap) {
    if !is_awaited(headers) {
        drain(body).await;
    }
}

/// Returns whether the client waits for permission to send the body (RFC 9110 §10.1.1).
fn is_awaited(headers: &HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
}

/// Reads and drops what a client is still sending, up to a bound.
async fn drain<B: http_body::Body>(mut body: Pin<&mut B>) {
    let mut seen = 0usize;
    while seen <= DRAIN
        && !body.is_end_stream()
        && let Some(Ok(frame)) = body.as_mut().frame().await
    {
        seen = seen.saturating_add(frame.data_ref().map_or(0, Buf::remaining));
    }
}
