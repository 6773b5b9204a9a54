//! The usage of a key for its page: a chart, the callers, and the denied requests.

use keyrack_core::OpError;
use keyrack_core::keys::usage::first_of_days;
use keyrack_core::numbers::{counted, grouped};
use keyrack_key::{Permission, Timestamp};
use keyrack_store::{CallerCursor, CallerRow, DeniedRequest, KeyRow, Usage};
use serde::Deserialize;

use super::base;
use super::usage_view::{CallerSummary, DenialRow, FilterLink, KeyUsage};
use crate::app::App;
use crate::web::charts::{Chart, ChartBar, chart};
use crate::web::person::Member;
use crate::web::text;

const CALLERS: u32 = 10;
const REFUSALS: u32 = 10;
const HOURS: u32 = 48;
/// The longest period of a chart, in days.
const LONGEST: u32 = 90;

/// The query of the page. Invalid values select the defaults.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KeyUsageQuery {
    period: String,
    permission: String,
    callers: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UsagePeriod {
    Hours,
    Days(u32),
}

impl KeyUsageQuery {
    fn period(&self, app: &App) -> UsagePeriod {
        let all = app.config.usage_days.min(LONGEST);
        match self.period.as_str() {
            "48h" => UsagePeriod::Hours,
            "90d" if all > app.window() => UsagePeriod::Days(all),
            _ => UsagePeriod::Days(app.window()),
        }
    }

    fn permission(&self) -> Option<Permission> {
        self.permission.parse().ok()
    }

    fn url(page: &str, period: &str, permission: Option<Permission>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("period", period);
        if let Some(permission) = permission {
            query.append_pair("permission", permission.name());
        }
        format!("{page}?{}#use", query.finish())
    }
}

impl UsagePeriod {
    const fn word(self) -> &'static str {
        match self {
            Self::Hours => "48h",
            Self::Days(31..) => "90d",
            Self::Days(_) => "30d",
        }
    }

    fn text(self) -> String {
        match self {
            Self::Hours => format!("{HOURS} hours"),
            Self::Days(days) => counted(days.into(), "day"),
        }
    }
}

/// Loads the usage of a key.
pub(super) async fn usage(
    app: &App,
    member: &Member,
    key: &KeyRow,
    look: &KeyUsageQuery,
) -> Result<KeyUsage, OpError> {
    let (by, now, period) = (&member.acting, app.now(), look.period(app));
    let usage = match period {
        UsagePeriod::Hours => {
            app.keys.usage(by, key.id, std::time::Duration::from_hours(u64::from(HOURS) - 2)).await?
        }
        UsagePeriod::Days(days) => app.keys.usage_by_day(by, key.id, days).await?,
    };
    let after = look.callers.parse::<CallerCursor>().ok();
    let (_, callers) = app.keys.callers(by, key.id, app.window(), after, CALLERS).await?;
    let refusals = app.keys.denied_requests(by, key.id, REFUSALS).await?;
    let page = format!("{}/{}", base(member), key.id);
    let chosen = look.permission();
    Ok(KeyUsage {
        chart: draw_chart(&usage, period, chosen, now),
        empty_text: format!("No requests in the last {}.", period.text()),
        periods: periods(app, look, &page, period),
        period: period.word(),
        permissions: permissions(look, &page, period, &usage),
        callers: callers.items.iter().map(|caller| line(caller, key, now)).collect(),
        more_callers: callers.next.map(|cursor| format!("{page}?callers={cursor}#callers")),
        refusals: refusals.iter().map(|denied| refusal(denied, member, now)).collect(),
        window: counted(app.window().into(), "day"),
    })
}

fn periods(app: &App, look: &KeyUsageQuery, page: &str, period: UsagePeriod) -> Vec<FilterLink> {
    let longest = UsagePeriod::Days(app.config.usage_days.min(LONGEST));
    let mut all = vec![UsagePeriod::Hours, UsagePeriod::Days(app.window())];
    all.extend(Some(longest).filter(|longest| longest.word() == "90d"));
    let choice = |one: UsagePeriod| FilterLink {
        label: one.text(),
        value: one.word(),
        url: KeyUsageQuery::url(page, one.word(), look.permission()),
        current: one == period,
    };
    all.into_iter().map(choice).collect()
}

/// Links for the permissions that the key was used for. Empty if there is only one, because then there is
/// nothing to choose.
fn permissions(look: &KeyUsageQuery, page: &str, period: UsagePeriod, usage: &[Usage]) -> Vec<FilterLink> {
    let chosen = look.permission();
    let is_used =
        |one: &Permission| chosen == Some(*one) || usage.iter().any(|used| used.permission == Some(*one));
    let all: Vec<_> = Permission::ALL.into_iter().filter(is_used).collect();
    if all.len() < 2 && chosen.is_none() {
        return Vec::new();
    }
    let choice = |permission: Option<Permission>| FilterLink {
        label: permission.map_or("All", Permission::phrase).to_owned(),
        value: permission.map_or("", Permission::name),
        url: KeyUsageQuery::url(page, period.word(), permission),
        current: permission == chosen,
    };
    [None].into_iter().chain(all.into_iter().map(Some)).map(choice).collect()
}

/// Draws the chart. `None` without requests.
fn draw_chart(
    usage: &[Usage],
    period: UsagePeriod,
    chosen: Option<Permission>,
    now: Timestamp,
) -> Option<Chart> {
    let usage: Vec<_> = usage.iter().filter(|one| chosen.is_none() || one.permission == chosen).collect();
    let was_allowed = |permission: &Option<Permission>| {
        usage.iter().any(|one| one.permission == *permission && one.outcome == "allowed")
    };
    let all = Permission::ALL.into_iter().map(Some).chain([None]);
    let series: Vec<_> = all.filter(was_allowed).collect();
    let mut bars = empty(period, series.len(), now);
    let (start, step) = (bars.first()?.0, bars.get(1)?.0.since(bars.first()?.0).as_micros());
    for one in usage {
        let place = one.hour.since(start).as_micros() / step;
        let bar =
            usize::try_from(place).ok().filter(|_| one.hour >= start).and_then(|place| bars.get_mut(place));
        let Some((_, bar)) = bar else { continue };
        if one.outcome == "allowed" {
            let place = series.iter().position(|permission| *permission == one.permission);
            if let Some(calls) = place.and_then(|place| bar.allowed.get_mut(place)) {
                *calls += one.checks;
            }
        } else {
            bar.denied += one.checks;
        }
    }
    let bars: Vec<_> = bars.into_iter().map(|(_, bar)| bar).collect();
    let names: Vec<_> = series.iter().map(|one| (tone(*one), name(*one))).collect();
    summary(&bars, period).map(|summary| chart(summary, &names, &bars))
}

/// Empty bars for each hour or day, up to now.
fn empty(period: UsagePeriod, series: usize, now: Timestamp) -> Vec<(Timestamp, ChartBar)> {
    let bar = |label: String| ChartBar { label, allowed: vec![0; series], denied: 0 };
    match period {
        UsagePeriod::Hours => {
            let hour = std::time::Duration::from_hours(1);
            let micros = 3_600_000_000;
            let last = Timestamp::from_micros(now.micros() - now.micros().rem_euclid(micros));
            let first = last.minus(hour * (HOURS - 1));
            let at = |number| first.plus(hour * number);
            (0..HOURS).map(|number| (at(number), bar(text::hour_of_day(at(number))))).collect()
        }
        UsagePeriod::Days(days) => {
            // The chart needs the distance between two bars.
            let days = days.max(2);
            let first = first_of_days(now, days);
            let at = |number| first.plus(std::time::Duration::from_hours(24) * number);
            (0..days).map(|number| (at(number), bar(text::day_of_month(at(number))))).collect()
        }
    }
}

fn summary(bars: &[ChartBar], period: UsagePeriod) -> Option<String> {
    let of = |bar: &ChartBar| bar.allowed.iter().sum::<u64>() + bar.denied;
    let (all, denied) = (bars.iter().map(of).sum::<u64>(), bars.iter().map(|bar| bar.denied).sum::<u64>());
    let most = bars.iter().max_by_key(|bar| of(bar)).filter(|bar| of(bar) > 0)?;
    let ended = match denied {
        0 => "none denied".to_owned(),
        denied => format!("{} allowed, {} denied", grouped(all - denied), grouped(denied)),
    };
    Some(format!(
        "{} in {}: {ended}. Most on {}: {}.",
        counted(all, "request"),
        period.text(),
        most.label,
        grouped(of(most))
    ))
}

/// The number of the color. A permission has the same color on every page.
fn tone(permission: Option<Permission>) -> usize {
    permission.map_or(Permission::ALL.len(), |one| one as usize)
}

fn name(permission: Option<Permission>) -> String {
    permission.map_or("checked the key", Permission::phrase).to_owned()
}

fn line(caller: &CallerRow, key: &KeyRow, now: Timestamp) -> CallerSummary {
    let secret = key.secrets.iter().find(|secret| secret.hint == caller.hint);
    let denied = caller.last_denial.as_deref().filter(|_| caller.denied > 0);
    CallerSummary {
        from: text::caller_address(caller),
        origin: caller.origin.clone(),
        agent: caller.agent.clone(),
        secret: format!("…{}", caller.hint),
        secret_state: match secret.map(|secret| secret.retires_at) {
            Some(None) => "",
            Some(Some(until)) if until > now => "old secret",
            _ => "revoked secret",
        },
        permission: caller.permission.map_or("", Permission::name),
        allowed: grouped(caller.allowed),
        denied: denied
            .map(|code| format!("{} denied: {}", grouped(caller.denied), text::denial_reason(code)))
            .unwrap_or_default(),
        last: text::moment(caller.last, now),
        first: text::moment(caller.first, now),
    }
}

fn refusal(denied: &DeniedRequest, member: &Member, now: Timestamp) -> DenialRow {
    DenialRow {
        when: text::moment(denied.at, now),
        why: text::denial_reason(&denied.code),
        what: format!("{} {}", denied.method, denied.route),
        from: denied.address.map(|address| address.to_string()).unwrap_or_default(),
        url: format!("{}/denied-requests/{}", base(member), denied.request),
    }
}
