//! The direction of arrows between rooms: a room uses only rooms below it.

use std::collections::BTreeSet;

use super::arrows::Arrow;
use super::fault::Fault;
use super::plan::{INDEPENDENT_EXCEPTIONS, INDEPENDENT_ROOMS, LIMITED_USERS, ROOMS};

/// The room that a file of `src` belongs to: `engine` for `src/engine.rs` and `src/engine/cli.rs`.
pub fn room_of(file: &str) -> &str {
    let inside = file.strip_prefix("src/").unwrap_or(file);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// Files of rooms that the plan does not have.
pub fn unknown_rooms<'a>(files: impl IntoIterator<Item = &'a str>) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    let unknown = files.into_iter().filter(|file| place(room_of(file)).is_none() && seen.insert(room_of(file)));
    let text = |file| format!("{}: a room that is not in the plan, xtask/src/rooms/plan.rs", room_of(file));
    unknown.map(|file| Fault::new(file, 1, text(file))).collect()
}

/// Arrows that go where they must not.
pub fn wrong_arrows(arrows: &[Arrow]) -> Vec<Fault> {
    let fault = |arrow: &Arrow| {
        let (from, to) = (room_of(&arrow.from), room_of(&arrow.to));
        Some(Fault::new(&arrow.from, arrow.line, format!("{from} -> {to}: {}", objection(from, to)?)))
    };
    arrows.iter().filter_map(fault).collect()
}

/// Why one room may not use another one. Rooms without a place are reported by themselves.
fn objection(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    if place(to)? < place(from)? {
        return Some("a lower room may not use a higher one".to_owned());
    }
    let is_exception = INDEPENDENT_EXCEPTIONS.iter().any(|(one, other, _)| (*one, *other) == (from, to));
    if INDEPENDENT_ROOMS.contains(&from) && INDEPENDENT_ROOMS.contains(&to) && !is_exception {
        return Some("these rooms know nothing of each other".to_owned());
    }
    let (_, users, why) = LIMITED_USERS.iter().find(|(room, users, _)| *room == to && !users.contains(&from))?;
    Some(format!("only {} may use it: {why}", users.join(", ")))
}

/// Where a room stands in the plan, counted from the top.
fn place(room: &str) -> Option<usize> {
    ROOMS.iter().position(|(name, _)| *name == room)
}
