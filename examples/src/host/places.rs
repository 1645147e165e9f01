//! The places for connections: how many there are, how many one peer may have, and which ends if all are taken.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// The moment from which all others are counted.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Returns the milliseconds since [`START`].
pub(super) fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Returns how long ago a moment was that [`now`] returned.
pub(super) fn since(moment: u64) -> Duration {
    Duration::from_millis(now().saturating_sub(moment))
}

/// All places for connections.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    per_peer: usize,
    taken: Mutex<Taken>,
    /// Notified when a place may be free again, or when a connection becomes idle.
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Taken {
    /// The number of the next connection.
    next: u64,
    connections: HashMap<u64, Arc<Connection>>,
    /// How many connections each peer has. A peer without connections is not in it.
    peers: HashMap<IpAddr, usize>,
}

/// The part of a connection's state that others use.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    peer: IpAddr,
    /// How many requests are being answered, until the last byte of each answer is sent.
    under_way: AtomicUsize,
    /// Since when the connection is idle, if it is.
    idle_since: AtomicU64,
    /// How many bytes of the [`Budget`](super::budget::Budget) its requests hold.
    pub(super) held: AtomicUsize,
    end: Notify,
    changed: Arc<Notify>,
}

/// The result of asking for a place.
enum Wish {
    Granted(Place),
    /// The peer has as many places as it may have, and all of them are busy.
    PeerIsFull,
    /// All places are busy.
    Full,
}

impl Places {
    /// Makes `most` places, of which one peer may have `per_peer`.
    pub(super) fn new(most: usize, per_peer: usize) -> Self {
        Self { most, per_peer, taken: Mutex::default(), changed: Arc::default() }
    }

    /// Returns a place for a connection from this address, or `None`.
    ///
    /// If no place is free, the connection that has been idle longest ends. If no connection is idle, this waits for
    /// one. It is `None` if the peer has as many places as it may have and all of them are busy.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let peer = peer(address);
        loop {
            match self.wish(peer) {
                Wish::Granted(place) => return Some(place),
                Wish::PeerIsFull => return None,
                Wish::Full => self.changed.notified().await,
            }
        }
    }

    fn wish(self: &Arc<Self>, peer: IpAddr) -> Wish {
        let mut taken = self.lock();
        let of_peer = taken.peers.get(&peer).copied().unwrap_or(0);
        if of_peer >= self.per_peer && !taken.end_idle(Some(peer)) {
            return Wish::PeerIsFull;
        }
        if taken.connections.len() >= self.most && !taken.end_idle(None) {
            return Wish::Full;
        }
        let number = taken.next;
        taken.next += 1;
        let connection = Arc::new(Connection {
            number,
            peer,
            under_way: AtomicUsize::new(0),
            idle_since: AtomicU64::new(now()),
            held: AtomicUsize::new(0),
            end: Notify::new(),
            changed: Arc::clone(&self.changed),
        });
        taken.connections.insert(number, Arc::clone(&connection));
        *taken.peers.entry(peer).or_default() += 1;
        Wish::Granted(Place { places: Arc::clone(self), connection })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Ends the connection that has been idle longest, of this peer or of all. Returns whether there was one.
    ///
    /// Its place is free at once, because nothing happens on it any more.
    fn end_idle(&mut self, of: Option<IpAddr>) -> bool {
        let idle = self
            .connections
            .values()
            .filter(|connection| of.is_none_or(|peer| peer == connection.peer))
            .filter_map(|connection| Some((connection.idle_since()?, connection.number)));
        let Some((_, number)) = idle.min() else { return false };
        if let Some(connection) = self.remove(number) {
            tracing::debug!(peer = %connection.peer, "an idle connection gives up its place");
            connection.end();
        }
        true
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Connection>> {
        let connection = self.connections.remove(&number)?;
        if let Some(count) = self.peers.get_mut(&connection.peer) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&connection.peer);
            }
        }
        Some(connection)
    }
}

impl Connection {
    /// Records that a request begins.
    pub(super) fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that a request ended: the last byte of its answer was sent, or never will be.
    pub(super) fn finish(&self) {
        self.idle_since.store(now(), Ordering::Relaxed);
        if self.under_way.fetch_sub(1, Ordering::Release) == 1 {
            self.changed.notify_one();
        }
    }

    /// Returns since when no request is under way, or `None` if there is one. An incomplete head is not a request yet.
    fn idle_since(&self) -> Option<u64> {
        let is_idle = self.under_way.load(Ordering::Acquire) == 0;
        is_idle.then(|| self.idle_since.load(Ordering::Relaxed))
    }

    /// Ends the connection, even if requests are under way.
    pub(super) fn end(&self) {
        self.end.notify_one();
    }

    /// Returns when the connection has to end.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }
}

/// The place of a connection, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    connection: Arc<Connection>,
}

impl Place {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().remove(self.connection.number);
        self.places.changed.notify_one();
    }
}

/// Returns the peer that an address belongs to. An IPv6 host usually has 2^64 addresses.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn is_ended(place: &Place) -> bool {
        !place.places.lock().connections.contains_key(&place.connection.number)
    }

    #[tokio::test]
    async fn the_longest_idle_gives_up_its_place() {
        let places = Arc::new(Places::new(3, 3));
        let busy = places.take(address(1)).await.unwrap();
        busy.connection.begin();
        let first = places.take(address(2)).await.unwrap();
        let second = places.take(address(3)).await.unwrap();
        // `second` has been idle longer than `first`, although `first` was accepted before it.
        first.connection.idle_since.store(10, Ordering::Relaxed);
        second.connection.idle_since.store(5, Ordering::Relaxed);
        let _third = places.take(address(4)).await.unwrap();
        assert!(is_ended(&second) && !is_ended(&first) && !is_ended(&busy));
        second.connection.ended().await;
        // The connection that was ended this way frees no second place.
        drop(second);
        assert_eq!(places.lock().connections.len(), 3);
    }

    #[tokio::test]
    async fn where_all_are_busy_one_waits() {
        let places = Arc::new(Places::new(1, 1));
        let busy = places.take(address(1)).await.unwrap();
        busy.connection.begin();
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take(address(2)).await.unwrap() }
        });
        assert!(matches!(places.wish(address(2)), Wish::Full));
        busy.connection.finish();
        let place = waiting.await.unwrap();
        assert!(is_ended(&busy) && !is_ended(&place));
        assert!(places.take(address(2)).await.is_some(), "its own, which is idle");
    }

    #[tokio::test]
    async fn a_peer_has_its_share() {
        let places = Arc::new(Places::new(10, 2));
        let one = places.take(address(1)).await.unwrap();
        let two = places.take(address(1)).await.unwrap();
        one.connection.begin();
        two.connection.begin();
        assert!(places.take(address(1)).await.is_none());
        assert!(places.take(address(2)).await.is_some());
        two.connection.finish();
        let three = places.take(address(1)).await.unwrap();
        assert!(is_ended(&two) && !is_ended(&one) && !is_ended(&three));
        drop((one, two, three));
        assert!(places.lock().peers.is_empty());
    }

    #[test]
    fn a_peer_is_an_address_or_a_network_of_ipv6() {
        let peer = |text: &str| peer(text.parse().unwrap());
        assert_eq!(peer("::ffff:192.0.2.1"), address(1));
        assert_eq!(peer("2001:db8:0:1::5"), peer("2001:db8:0:1:ffff::9"));
        assert_ne!(peer("2001:db8:0:1::5"), peer("2001:db8:0:2::5"));
    }
}
