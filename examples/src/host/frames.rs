//! Counts HTTP/2 frames that cost work and request nothing, so that a flood of them ends the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The length of what an HTTP/2 client sends before its first frame (RFC 9113 §3.4).
const PREFACE: usize = 24;
/// The length of the head of a frame (RFC 9113 §4.1).
const HEAD: usize = 9;

/// An HTTP/2 connection whose incoming frames are counted.
#[derive(Debug)]
pub(super) struct Frames<T> {
    io: T,
    /// How many bytes come before the head of the next frame.
    skip: usize,
    head: [u8; HEAD],
    /// How many bytes of the head have arrived.
    have: usize,
    credit: Credit,
}

impl<T> Frames<T> {
    /// Allows `most` control frames at once, and a tenth of that more each second.
    ///
    /// Those that belong to requests and answers are allowed in addition.
    pub(super) fn new(io: T, most: u32) -> Self {
        Self { io, skip: PREFACE, head: [0; HEAD], have: 0, credit: Credit::new(most, Instant::now()) }
    }

    /// Counts the frames in bytes that arrived, and returns whether there are too many.
    fn is_flooded(&mut self, mut bytes: &[u8]) -> bool {
        while let Some(byte) = bytes.first() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            if let Some(place) = self.head.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            bytes = bytes.get(1..).unwrap_or_default();
            if self.have == HEAD {
                self.have = 0;
                let [a, b, c, kind, ..] = self.head;
                self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.credit.frame(kind);
            }
        }
        self.credit.is_spent()
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Frames<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(task, buffer))?;
        if this.is_flooded(buffer.filled().get(before..).unwrap_or_default()) {
            tracing::debug!("a flood of control frames ends the connection");
            return Poll::Ready(Err(io::Error::other("too many control frames")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Frames<T> {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write(task, bytes))?;
        this.credit.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write_vectored(task, bytes))?;
        this.credit.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(task)
    }
}

/// How many more control frames are allowed. Requests, answers and time add to it.
#[derive(Debug)]
struct Credit {
    most: i64,
    left: i64,
    /// How many written bytes have not added to it yet.
    written: usize,
    /// When time added to it last.
    earned: Instant,
}

/// Types of frames (RFC 9113 §6).
mod kind {
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const CONTINUATION: u8 = 9;
}

/// The client opens its windows again for what it was sent, so each of these many bytes allows one frame.
const BYTES_A_FRAME: usize = 1 << 10;

impl Credit {
    fn new(most: u32, now: Instant) -> Self {
        let most = i64::from(most.max(10));
        Self { most, left: most, written: 0, earned: now }
    }

    fn frame(&mut self, kind: u8) {
        self.left += match kind {
            // A request allows the updates of its windows. Cancelling it takes that back, and one more.
            kind::HEADERS => 4,
            kind::RST_STREAM => -5,
            // The HTTP/2 implementation limits these itself: empty or small `DATA`, and the length of a head.
            kind::DATA | kind::CONTINUATION => 0,
            _ => -1,
        };
        self.left = self.left.min(self.most);
    }

    fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
        self.left += i64::try_from(self.written / BYTES_A_FRAME).unwrap_or(0);
        self.left = self.left.min(self.most);
        self.written %= BYTES_A_FRAME;
    }

    /// Returns whether nothing is left, even with what time has added.
    fn is_spent(&mut self) -> bool {
        self.left < 0 && self.is_spent_at(Instant::now())
    }

    fn is_spent_at(&mut self, now: Instant) -> bool {
        let millis = i64::try_from(now.duration_since(self.earned).as_millis()).unwrap_or(i64::MAX);
        // While time adds less than a whole frame, `self.earned` does not move, so that this time is not lost.
        let earned = self.most.saturating_mul(millis) / 10_000;
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(self.most);
            self.earned = now;
        }
        self.left < 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn frame(kind: u8, length: usize) -> Vec<u8> {
        let [.., a, b, c] = (length as u64).to_be_bytes();
        let mut frame = vec![a, b, c, kind, 0, 0, 0, 0, 1];
        frame.resize(HEAD + length, 0xff);
        frame
    }

    /// Returns after how many of these frames, sent in a cycle, it is too much, if each read has `read` bytes.
    fn after(frames: &[Vec<u8>], read: usize) -> Option<usize> {
        let mut counted = Frames::new((), 100);
        assert!(!counted.is_flooded(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        // Time adds nothing.
        counted.credit.earned += Duration::from_secs(3_600);
        frames
            .iter()
            .cycle()
            .take(100_000)
            .position(|frame| frame.chunks(read).any(|bytes| counted.is_flooded(bytes)))
    }

    #[test]
    fn a_flood_of_each_kind_is_noticed() {
        for (kind, length) in [(2, 5), (4, 0), (4, 6), (6, 8), (8, 4), (200, 3)] {
            for read in [1, 7, 1_000] {
                assert_eq!(after(&[frame(kind, length)], read), Some(100), "{kind}");
            }
        }
        let resets = [frame(kind::HEADERS, 20), frame(kind::RST_STREAM, 4)];
        assert!(after(&resets, 1_000).is_some());
    }

    #[test]
    fn requests_and_answers_earn_their_control_frames() {
        let request = [
            frame(kind::HEADERS, 50),
            frame(kind::DATA, 20_000),
            frame(8, 4),
            frame(8, 4),
            frame(4, 0),
            frame(6, 8),
        ];
        assert_eq!(after(&request, 1_000), None);
        let mut download = Frames::new((), 100);
        download.credit.earned += Duration::from_secs(3_600);
        download.skip = 0;
        for _ in 0..10_000 {
            download.credit.wrote(2 << 10);
            assert!(!download.is_flooded(&[frame(8, 4), frame(8, 4)].concat()));
        }
    }

    #[test]
    fn time_earns_a_tenth_a_second() {
        let start = Instant::now();
        let mut credit = Credit::new(100, start);
        for second in 1..100 {
            for _ in 0..10 {
                credit.frame(6);
            }
            assert!(!credit.is_spent_at(start + Duration::from_secs(second)));
        }
        for _ in 0..200 {
            credit.frame(6);
        }
        assert!(credit.is_spent_at(start + Duration::from_secs(101)));
    }
}
