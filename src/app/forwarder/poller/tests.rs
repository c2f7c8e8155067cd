//! Both pollers say the same of the same sockets.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::{Event, Interest, wake_channel};

macro_rules! poller_tests {
    ($name:ident, $poller:ty) => {
        mod $name {
            use super::*;

            /// What the poller says now.
            fn events(poller: &mut $poller) -> Vec<Event> {
                let mut events = Vec::new();
                poller.wait(&mut events, Some(Duration::ZERO)).unwrap();
                events
            }

            #[test]
            fn tells_only_what_was_asked() {
                let (ours, mut peer) = pair();
                let mut poller = <$poller>::new().unwrap();
                poller.add(&ours, 7, Interest::NONE).unwrap();
                assert!(events(&mut poller).is_empty());
                poller.modify(&ours, 7, Interest::WRITE).unwrap();
                assert_eq!(events(&mut poller), [Event { token: 7, readable: false, writable: true, hangup: false }]);
                poller.modify(&ours, 7, Interest::READ).unwrap();
                assert!(events(&mut poller).is_empty());
                peer.write_all(b"x").unwrap();
                poller.wait(&mut Vec::new(), None).unwrap();
                assert_eq!(events(&mut poller), [Event { token: 7, readable: true, writable: false, hangup: false }]);
                poller.remove(&ours, 7);
                assert!(events(&mut poller).is_empty());
            }

            #[test]
            fn tells_of_a_broken_socket_unasked() {
                let (ours, peer) = pair();
                let mut poller = <$poller>::new().unwrap();
                poller.add(&ours, 7, Interest::NONE).unwrap();
                rustix::net::sockopt::set_socket_linger(&peer, Some(Duration::ZERO)).unwrap();
                drop(peer);
                let mut told = Vec::new();
                poller.wait(&mut told, None).unwrap();
                assert!(told[0].hangup, "{told:?}");
            }

            #[test]
            fn is_woken_up_from_another_thread() {
                let (sender, receiver) = wake_channel().unwrap();
                let mut poller = <$poller>::new().unwrap();
                poller.add(&receiver, 1, Interest::READ).unwrap();
                let thread = std::thread::spawn(move || {
                    sender.wake();
                    sender
                });
                let mut told = Vec::new();
                poller.wait(&mut told, None).unwrap();
                assert_eq!(told[0].token, 1);
                drop(thread.join());
                receiver.clear();
            }
        }
    };
}

#[cfg(target_os = "linux")]
poller_tests!(epoll, super::super::epoll::Poller);
poller_tests!(poll, super::super::poll::Poller);

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, peer)
}
