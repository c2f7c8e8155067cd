//! All bytes arrive, and in order.

use proptest::prelude::*;

use super::*;
use crate::app::forwarder::flow::{Flow, Next};

const LARGE: usize = 100 * 1024 * 1024;

/// Bytes that do not repeat soon, from a seed.
struct Pattern(u64);

impl Pattern {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
    }
}

const BLOCK: usize = 64 * 1024;

fn send(stream: &mut TcpStream, seed: u64, size: usize) {
    let mut pattern = Pattern(seed);
    let mut block = vec![0; BLOCK];
    for _ in 0..size / BLOCK {
        pattern.fill(&mut block);
        stream.write_all(&block).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
}

fn receive(stream: &mut TcpStream, seed: u64, size: usize) {
    let mut pattern = Pattern(seed);
    let (mut block, mut expected) = (vec![0; BLOCK], vec![0; BLOCK]);
    for _ in 0..size / BLOCK {
        stream.read_exact(&mut block).unwrap();
        pattern.fill(&mut expected);
        assert!(block == expected, "other bytes than were sent");
    }
    assert_eq!(stream.read(&mut block).unwrap(), 0);
}

#[test]
fn a_hundred_megabytes_arrive_both_ways_at_once() {
    for forwarder in forwarders() {
        let (mut client, mut app) = connected(&forwarder);
        let (mut client_in, mut app_in) = (client.try_clone().unwrap(), app.try_clone().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| send(&mut client, 1, LARGE));
            scope.spawn(|| send(&mut app, 2, LARGE));
            scope.spawn(|| receive(&mut app_in, 1, LARGE));
            scope.spawn(|| receive(&mut client_in, 2, LARGE));
        });
    }
}

#[test]
fn a_receiver_that_does_not_read_stops_the_sender() {
    for mut mover in [Mover::new(), Mover::copying()] {
        let [(mut sender, from), (to, mut receiver)] = [pair(), pair()];
        [&sender, &from, &to].iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
        let bytes = vec![7; 1024 * 1024];
        let (mut sent, mut passed, mut flow) = (0, 0, Flow::default());
        // Until neither takes any more.
        loop {
            let written = sender.write(&bytes).unwrap_or(0);
            sent += written;
            let (count, next) = flow.pump(&mut mover, &from, &to);
            assert_eq!(next, Next::Wait);
            passed += count;
            if written == 0 && count == 0 && flow.holds_bytes() {
                break;
            }
        }
        assert!(!flow.wants_bytes(), "it takes nothing while the receiver takes nothing");
        drop(sender);
        let reader = std::thread::spawn(move || receiver.read_to_end(&mut Vec::new()).unwrap());
        while flow.pump(&mut mover, &from, &to).1 == Next::Wait {}
        drop(to);
        assert!(passed < sent);
        assert_eq!(reader.join().unwrap(), sent);
    }
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(any_port()).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// What one end does.
#[derive(Clone, Debug)]
enum Step {
    ClientSends(Vec<u8>),
    AppSends(Vec<u8>),
    ClientEnds,
    AppEnds,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes =
        || prop_oneof![prop::collection::vec(any::<u8>(), 1..20), prop::collection::vec(any::<u8>(), 60_000..70_000)];
    prop_oneof![
        4 => bytes().prop_map(Step::ClientSends),
        4 => bytes().prop_map(Step::AppSends),
        1 => Just(Step::ClientEnds),
        1 => Just(Step::AppEnds),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn each_end_gets_what_the_other_sent(steps in prop::collection::vec(step(), 1..12), copying: bool) {
        let mover = if copying { Mover::copying() } else { Mover::new() };
        let forwarder = Forwarder::start(&[any_port()], LONG, mover).unwrap();
        let (mut client, mut app) = connected(&forwarder);
        let readers = [&client, &app].map(|stream| {
            let mut stream = stream.try_clone().unwrap();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                stream.read_to_end(&mut bytes).unwrap();
                bytes
            })
        });
        let (mut to_app, mut to_client) = (Vec::new(), Vec::new());
        let (mut client_sends, mut app_sends) = (true, true);
        for step in steps.into_iter().chain([Step::ClientEnds, Step::AppEnds]) {
            match step {
                Step::ClientSends(bytes) if client_sends => {
                    client.write_all(&bytes).unwrap();
                    to_app.extend(bytes);
                }
                Step::AppSends(bytes) if app_sends => {
                    app.write_all(&bytes).unwrap();
                    to_client.extend(bytes);
                }
                Step::ClientEnds if client_sends => {
                    client.shutdown(Shutdown::Write).unwrap();
                    client_sends = false;
                }
                Step::AppEnds if app_sends => {
                    app.shutdown(Shutdown::Write).unwrap();
                    app_sends = false;
                }
                _ => {}
            }
        }
        let [client_got, app_got] = readers.map(|reader| reader.join().unwrap());
        prop_assert!(client_got == to_client);
        prop_assert!(app_got == to_app);
    }
}
