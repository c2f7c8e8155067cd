//! What a figure must keep to, and how it is written.

/// What a figure must keep to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    AtMost(f64),
    Under(f64),
    AtLeast(f64),
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Ratio,
    Seconds,
    /// Of processor time.
    Milliseconds,
    Mebibytes,
    /// Of processor time, a hundredth of a second each.
    Ticks,
    Count,
}

impl Bar {
    pub fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(limit) => figure <= limit,
            Self::Under(limit) => figure < limit,
            Self::AtLeast(limit) => figure >= limit,
        }
    }

    pub fn limit(self) -> f64 {
        match self {
            Self::AtMost(limit) | Self::Under(limit) | Self::AtLeast(limit) => limit,
        }
    }

    /// For the table, with what became of it.
    pub fn write(self, unit: Unit, holds: bool) -> String {
        let sign = match self {
            Self::AtMost(_) => "<=",
            Self::Under(_) => "<",
            Self::AtLeast(_) => ">=",
        };
        format!("{sign} {} {}", unit.write(self.limit()), if holds { "met" } else { MISSED })
    }
}

/// The last word about a bar that does not hold.
pub const MISSED: &str = "MISSED";

impl Unit {
    pub fn write(self, figure: f64) -> String {
        match self {
            Self::Ratio => format!("{figure:.2}"),
            Self::Seconds => format!("{figure:.2} s"),
            Self::Milliseconds => format!("{figure:.1} ms"),
            Self::Mebibytes => format!("{figure:.0} MiB"),
            Self::Ticks => format!("{figure:.0} ticks"),
            Self::Count => format!("{figure:.0}"),
        }
    }

    /// For programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Mebibytes => "MiB",
            Self::Ticks => "ticks",
            Self::Count => "count",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bar, Unit};

    #[test]
    fn the_limit_itself_is_within_unless_a_figure_must_be_under_it() {
        assert!(Bar::AtMost(0.25).holds(0.25) && !Bar::AtMost(0.25).holds(0.251));
        assert!(Bar::Under(60.0).holds(59.9) && !Bar::Under(60.0).holds(60.0));
        assert!(Bar::AtLeast(0.8).holds(0.8) && !Bar::AtLeast(0.8).holds(0.79));
    }

    #[test]
    fn a_bar_says_which_way_it_limits() {
        assert_eq!(Bar::AtLeast(0.8).write(Unit::Ratio, false), ">= 0.80 MISSED");
        assert_eq!(Bar::Under(60.0).write(Unit::Mebibytes, true), "< 60 MiB met");
    }
}
