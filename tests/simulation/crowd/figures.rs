//! The visitors' results, and their cost.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::face_theory::Response;
use crate::dynamodb::Units;

/// The figures of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) responses: BTreeMap<Response, u32>,
    /// Of each visitor, in ascending order.
    pub(crate) times: Vec<Duration>,
    pub(crate) consumed: Units,
    pub(crate) throttles: u32,
}

impl Figures {
    pub(crate) fn new(mut visits: Vec<(Response, Duration)>, consumed: Units, throttles: u32) -> Self {
        visits.sort_by_key(|(_, time)| *time);
        let mut figures = Self { consumed, throttles, ..Self::default() };
        for (response, time) in visits {
            *figures.responses.entry(response).or_default() += 1;
            figures.times.push(time);
        }
        figures
    }

    pub(crate) fn count(&self, is_counted: impl Fn(&Response) -> bool) -> u32 {
        self.responses.iter().filter(|(response, _)| is_counted(response)).map(|(_, count)| count).sum()
    }

    pub(crate) fn errors(&self) -> u32 {
        self.count(|response| matches!(response, Response::Error(_)))
    }

    pub(crate) fn stale_after_errors(&self) -> u32 {
        self.count(|response| matches!(response, Response::StaleAfterError(_)))
    }

    pub(crate) fn renders(&self) -> u32 {
        self.count(|response| *response == Response::Rendered)
    }

    /// The time within which that share of the visitors had a response.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        self.times.get(last.min(self.times.len() * percent / 100)).copied().unwrap_or_default()
    }
}

impl Figures {
    pub(crate) const HEADINGS: [&str; 8] =
        ["errors", "stale after an error", "renders", "p50", "p99", "write units", "read units", "throttles"];

    pub(crate) fn cells(&self) -> [String; 8] {
        let visitors = f64::from(u32::try_from(self.times.len()).expect("few enough"));
        let share = |count: u32| match count {
            0 => "0".to_owned(),
            count => format!("{count} ({:.1} %)", f64::from(count) * 100.0 / visitors),
        };
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        [
            share(self.errors()),
            share(self.stale_after_errors()),
            self.renders().to_string(),
            seconds(self.percentile(50)),
            seconds(self.percentile(99)),
            format!("{:.0}", self.consumed.write),
            format!("{:.0}", self.consumed.read),
            self.throttles.to_string(),
        ]
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (heading, cell) in Self::HEADINGS.iter().zip(self.cells()) {
            write!(f, "{heading} {cell}, ")?;
        }
        write!(f, "responses {:?}", self.responses)
    }
}
