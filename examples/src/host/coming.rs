//! The body of a request while it arrives.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use scim_core::Error;
use tokio::time::{Instant, Sleep, sleep};

/// How slowly a body may arrive: at least this many bytes a second, checked once in each `period`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) bytes_a_second: u64,
    pub(super) period: Duration,
}

impl Pace {
    /// Returns how many bytes have to arrive in one period, at least 1.
    fn bytes(&self) -> u64 {
        self.bytes_a_second.saturating_mul(self.period.as_secs()).max(1)
    }
}

/// The body of a request. If it arrives too slowly, it ends with an error.
#[derive(Debug)]
pub struct Coming {
    body: Incoming,
    pace: Pace,
    /// How many bytes arrived in this period.
    came: u64,
    /// The end of this period. It is set when the body waits for the first time.
    end: Option<Pin<Box<Sleep>>>,
}

impl Coming {
    pub(super) fn new(body: Incoming, pace: Pace) -> Self {
        Self { body, pace, came: 0, end: None }
    }

    /// Waits until the end of the period at most, and returns whether the body is too slow.
    fn is_too_slow(&mut self, task: &mut Context<'_>) -> bool {
        let period = self.pace.period;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(period)));
        while end.as_mut().poll(task).is_ready() {
            if self.came < self.pace.bytes() {
                return true;
            }
            self.came = 0;
            end.as_mut().reset(Instant::now() + period);
        }
        false
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(task) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Buf::remaining);
                this.came = this.came.saturating_add(length as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                let detail = format!("the body could not be read: {error}");
                Poll::Ready(Some(Err(Error::invalid_syntax(detail))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if this.is_too_slow(task) => Poll::Ready(Some(Err(too_slow()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn too_slow() -> Error {
    Error::new(StatusCode::REQUEST_TIMEOUT, "the body comes too slowly")
}
