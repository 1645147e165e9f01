//! The load generator: HTTP/1.1 over connections that stay open.
//!
//! It does as little work as possible for each answer, so that the server is what is measured.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Makes the bytes of a request.
pub(crate) fn request(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
        accept: application/scim+json\r\n",
        crate::server::TOKEN
    );
    if !body.is_empty() {
        request.push_str("content-type: application/scim+json\r\n");
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    [request.as_bytes(), body].concat()
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer that was read.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a str,
    /// Empty if the answer was streamed.
    pub(crate) body: &'a [u8],
    /// The length of the received body, in bytes.
    pub(crate) length: usize,
}

impl Answer<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1 << 16) })
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head])?;
        let length = match header(text, "content-length") {
            Some(length) => Some(length.parse::<usize>()?),
            None if text.contains("chunked") => None,
            None => Some(0),
        };
        let streamed = match length {
            Some(length) => {
                while self.buffer.len() < head + length {
                    ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
                }
                0
            }
            None => self.drain(head).await?,
        };
        let text = std::str::from_utf8(&self.buffer[..head])?;
        let status = text.get(9..12).context("no status")?.parse()?;
        let body = &self.buffer[head..];
        Ok(Answer { status, head: text, body, length: streamed + body.len() })
    }

    /// Reads a chunked body without keeping it, and returns its length.
    async fn drain(&mut self, head: usize) -> anyhow::Result<usize> {
        const END: &[u8] = b"\r\n0\r\n\r\n";
        let mut length = 0;
        while !self.buffer[head..].ends_with(END) {
            // The end may arrive in pieces.
            let keep = self.buffer.len().min(head + END.len());
            if self.buffer.len() > head + 4 * END.len() {
                length += self.buffer.len() - keep;
                let tail = self.buffer.len() - END.len();
                self.buffer.copy_within(tail.., head);
                self.buffer.truncate(head + END.len());
            }
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
        }
        length += self.buffer.len() - head;
        self.buffer.truncate(head);
        Ok(length)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The result of a period of load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p99: Duration,
    pub(crate) count: usize,
}

/// Sends requests over several connections, each the next one as soon as the last is answered.
///
/// `next` makes the requests. It never sleeps: waking up takes as long as a short answer, so a generator that waits
/// would measure itself.
pub(crate) fn load(
    address: SocketAddr,
    connections: usize,
    time: Duration,
    status: u16,
    mut next: impl FnMut() -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Load> {
    let mut lanes = (0..connections).map(|_| Lane::open(address)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut times = Vec::new();
    let started = Instant::now();
    for lane in &mut lanes {
        lane.send(&next()?)?;
    }
    let mut busy = lanes.len();
    while busy > 0 {
        for lane in &mut lanes {
            let Some(sent) = lane.sent else { continue };
            let Some(answered) = lane.poll()? else { continue };
            ensure!(answered == status, "{}", String::from_utf8_lossy(&lane.buffer[..lane.filled]));
            times.push(sent.elapsed());
            if started.elapsed() < time {
                lane.send(&next()?)?;
            } else {
                (lane.sent, busy) = (None, busy - 1);
            }
        }
    }
    let elapsed = started.elapsed();
    times.sort_unstable();
    let count = times.len();
    let p99 = times.get(count * 99 / 100).copied().unwrap_or_default();
    Ok(Load { per_second: count as f64 / elapsed.as_secs_f64(), p99, count })
}

/// A connection that is polled.
struct Lane {
    stream: std::net::TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    /// The length of the answer, if its head has arrived.
    length: Option<usize>,
    /// When the request was sent that is not answered yet.
    sent: Option<Instant>,
}

impl Lane {
    fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = std::net::TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, buffer: vec![0; 1 << 18], filled: 0, length: None, sent: None })
    }

    /// Sends a request. It is so small that the system accepts all of it at once.
    fn send(&mut self, request: &[u8]) -> anyhow::Result<()> {
        (self.filled, self.length, self.sent) = (0, None, Some(Instant::now()));
        Ok(self.stream.write_all(request)?)
    }

    /// Returns the status if the whole answer has arrived.
    fn poll(&mut self) -> anyhow::Result<Option<u16>> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => bail!("the server hung up"),
            Ok(read) => self.filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let there = &self.buffer[..self.filled];
        if self.length.is_none() {
            let Some(end) = find(there, b"\r\n\r\n") else { return Ok(None) };
            let head = std::str::from_utf8(&there[..end])?;
            let body: usize =
                header(head, "content-length").context("an answer of no known length")?.parse()?;
            self.length = Some(end + 4 + body);
        }
        let length = self.length.unwrap_or_default();
        if length > self.buffer.len() {
            self.buffer.resize(length, 0);
        }
        if self.filled < length {
            return Ok(None);
        }
        let status = self.buffer.get(9..12).context("no status")?;
        Ok(Some(std::str::from_utf8(status)?.parse()?))
    }
}
