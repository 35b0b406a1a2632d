//! How often, and for how much, a rule lets calls through: what it counts, over which time.

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use crate::decimal::UNIT;
use crate::rule::Rule;

/// The budgets of one allow rule, for each agent by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub(crate) manifest: String,
    pub(crate) calls: Option<Calls>,
    pub(crate) rate: Option<Rate>,
    pub(crate) sum: Option<Sum>,
}

/// At most so many calls in any stretch of time of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    pub max: NonZeroU64,
    pub per: Window,
}

/// Calls come one after the other, at least [`Rate::spacing`] apart; one that is too early waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub calls: NonZeroU64,
    /// Never zero.
    pub per: Duration,
}

/// What an argument of all calls together may come to in any stretch of time of that length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub(crate) argument: String,
    /// In millionths.
    pub(crate) max: NonZeroU64,
    pub(crate) per: Window,
}

/// Over which time something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// From the start of one run to its end.
    Run,
    /// The time that passed last, of all runs together. Never zero.
    Last(Duration),
}

/// What an allowed call takes of a rule's budgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    pub(crate) agent: String,
    pub(crate) rule: Arc<Rule>,
    pub(crate) amount: u64,
}

/// An amount in millionths, as a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(pub u64);

/// The largest sum, in whole units: with its millionths it fits 63 bits.
pub(crate) const MAX_SUM: u64 = 9_000_000_000_000;

impl Allowance {
    /// The id of the manifest that the rule stands in.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    pub fn calls(&self) -> Option<Calls> {
        self.calls
    }

    pub fn rate(&self) -> Option<Rate> {
        self.rate
    }

    pub fn sum(&self) -> Option<&Sum> {
        self.sum.as_ref()
    }

    /// Whether nothing that is used up comes back before the run ends.
    pub(crate) fn is_for_a_run(&self) -> bool {
        let windows = [self.calls.map(|calls| calls.per), self.sum.as_ref().map(|sum| sum.per)];
        self.rate.is_none() && windows.into_iter().flatten().all(|window| window == Window::Run)
    }
}

impl Rate {
    /// The time between two calls, rounded up to microseconds.
    pub fn spacing(&self) -> Duration {
        let micros = self.per.as_micros().div_ceil(u128::from(self.calls.get()));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

impl Sum {
    /// The argument that is added up, as conditions name it.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// In millionths.
    pub fn max(&self) -> NonZeroU64 {
        self.max
    }

    pub fn per(&self) -> Window {
        self.per
    }
}

impl Charge {
    /// Whose budgets these are.
    pub fn agent(&self) -> &str {
        &self.agent
    }

    /// The rule; it has an [`Allowance`].
    pub fn rule(&self) -> &Arc<Rule> {
        &self.rule
    }

    /// What the call adds to the rule's sum, in millionths; 0 if it has none.
    pub fn amount(&self) -> u64 {
        self.amount
    }
}

impl Window {
    /// Longest time: 31 days.
    const MAX: Duration = Duration::from_secs(31 * 24 * 3600);

    /// Reads `run`, or a time as in `10s`, `min`, `24h`.
    pub(crate) fn parse(text: &str) -> Option<Window> {
        if text == "run" {
            return Some(Window::Run);
        }
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u64 = if number.is_empty() { 1 } else { number.parse().ok()? };
        let seconds = match unit {
            "s" => 1,
            "min" => 60,
            "h" => 3600,
            _ => return None,
        };
        let time = Duration::from_secs(number.checked_mul(seconds)?);
        (!time.is_zero() && time <= Window::MAX).then_some(Window::Last(time))
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(Calls { max, per }) = self.calls {
            parts.push(format!("calls {max}/{per}"));
        }
        if let Some(Rate { calls, per }) = self.rate {
            parts.push(format!("rate {calls}/{}", Window::Last(per)));
        }
        if let Some(Sum { argument, max, per }) = &self.sum {
            parts.push(format!("sum of `{argument}` {}/{per}", Amount(max.get())));
        }
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Window::Last(time) = self else { return f.write_str("run") };
        let seconds = time.as_secs();
        let (unit, name) = [(3600, "h"), (60, "min")]
            .into_iter()
            .find(|(unit, _)| seconds.is_multiple_of(*unit) && seconds > 0)
            .unwrap_or((1, "s"));
        match seconds / unit {
            1 => f.write_str(name),
            count => write!(f, "{count}{name}"),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / UNIT, self.0 % UNIT);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{rest:06}").trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_read_back_what_they_show() {
        for (text, shown) in [
            ("run", "run"),
            ("s", "s"),
            ("1s", "s"),
            ("10s", "10s"),
            ("60s", "min"),
            ("min", "min"),
            ("90min", "90min"),
            ("h", "h"),
            ("24h", "24h"),
            ("744h", "744h"),
        ] {
            let window = Window::parse(text).unwrap();
            assert_eq!(window.to_string(), shown);
            assert_eq!(Window::parse(shown), Some(window));
        }
        for text in
            ["", "0s", "745h", "d", "1 s", "m", "-1s", "1.5h", "18446744073709551616s", "99999999999999999h", "Run"]
        {
            assert_eq!(Window::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn amounts_are_decimal() {
        for (millionths, shown) in [(0, "0"), (1, "0.000001"), (12_500_000, "12.5"), (20_000_000_000, "20000")] {
            assert_eq!(Amount(millionths).to_string(), shown);
        }
        assert!(MAX_SUM.checked_mul(UNIT).is_some_and(|max| i64::try_from(max).is_ok()));
    }

    #[test]
    fn spacing_is_never_shorter_than_the_rate() {
        let rate = |calls, per| Rate { calls: NonZeroU64::new(calls).unwrap(), per: Duration::from_secs(per) };
        assert_eq!(rate(5, 1).spacing(), Duration::from_millis(200));
        assert_eq!(rate(3, 1).spacing(), Duration::from_micros(333_334));
        assert_eq!(rate(u64::MAX, 1).spacing(), Duration::from_micros(1));
    }
}
