use proptest::prelude::*;

use super::super::tests::claimants;
use super::*;

const LIMITS: Limits =
    Limits { concurrency: 2, waiting: 1_000, heavy_from: 10, heavy_total: 200, base_cost: 1 };

/// A schedule with work in this order: the index of the claimant, and the cost.
fn queued(limits: Limits, claimants: &[Claimant], work: &[(usize, u64)]) -> Schedule<(usize, u64)> {
    let mut schedule = Schedule::new(limits);
    for (claimant, cost) in work {
        schedule.join(claimants[*claimant], *cost, (*claimant, *cost), Instant::now()).unwrap();
    }
    schedule
}

/// The claimants in the order in which the schedule serves them, if each unit of work ends before the next starts.
fn served(schedule: &mut Schedule<(usize, u64)>) -> Vec<usize> {
    let mut order = Vec::new();
    while let Some((running, (claimant, _))) = schedule.next(Instant::now()) {
        order.push(claimant);
        schedule.end(running);
    }
    order
}

#[test]
fn turns_alternate_between_workspaces_then_keys() {
    let claimants: Vec<_> = claimants(2, 2).concat();
    let flood = [(0, 1); 6].into_iter().chain([(1, 1), (1, 1), (2, 1), (2, 1), (2, 1), (2, 1)]);
    let flood: Vec<_> = flood.collect();
    let order = served(&mut queued(LIMITS, &claimants, &flood));
    // Keys 0 and 1 share one half; key 2 of the other workspace has the other half.
    assert_eq!(order, [0, 2, 1, 2, 0, 2, 1, 2, 0, 0, 0, 0]);
}

#[test]
fn large_images_count_by_their_cost() {
    let claimants: Vec<_> = claimants(2, 1).concat();
    let mut work = vec![(0, 99); 3];
    work.extend([(1, 9); 20]);
    let order = served(&mut queued(LIMITS, &claimants, &work));
    // One unit that costs 100 runs for every ten units that cost 10.
    assert_eq!(order[..12], [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(order.len(), 23);
}

#[test]
fn heavy_work_leaves_a_turn_for_recent_light_work() {
    let claimants: Vec<_> = claimants(2, 1).concat();
    let at = Instant::now();
    let mut alone = queued(LIMITS, &claimants, &[(0, 99), (0, 99)]);
    assert!(alone.next(at).is_some() && alone.next(at).is_some());

    let mut schedule = queued(LIMITS, &claimants, &[(1, 1), (0, 99), (0, 99), (0, 99)]);
    let (light, (claimant, _)) = schedule.next(at).unwrap();
    assert_eq!(claimant, 1);
    let (heavy, _) = schedule.next(at).unwrap();
    schedule.end(light);
    assert!(schedule.next(at).is_none(), "a turn stays free for the other workspace");
    schedule.join(claimants[1], 1, (1, 1), at).unwrap();
    let (light, (claimant, _)) = schedule.next(at).unwrap();
    assert_eq!(claimant, 1);
    schedule.end(light);
    // No other claimant sent light work for a while.
    assert!(schedule.next(at + RECENT).is_some());
    schedule.end(heavy);
}

#[test]
fn light_work_overtakes_heavy_work_without_starving_it() {
    let claimants: Vec<_> = claimants(2, 1).concat();
    let limits = Limits { concurrency: 4, heavy_total: 100, ..LIMITS };
    let mut schedule = queued(limits, &claimants, &[(0, 90), (0, 90), (0, 20), (0, 1), (1, 1)]);
    let at = Instant::now();
    let mut begun = Vec::new();
    let mut first = None;
    while let Some((running, ticket)) = schedule.next(at) {
        begun.push(ticket);
        first.get_or_insert(running);
    }
    // The work that costs 20 does not fit beside 90, and heavy work never passes earlier heavy work.
    assert_eq!(begun, [(0, 90), (1, 1), (0, 1)]);
    schedule.end(first.unwrap());
    assert_eq!(schedule.next(at).unwrap().1, (0, 90));
}

#[test]
fn reduced_cost_makes_room_for_heavy_work() {
    let claimants: Vec<_> = claimants(1, 1).concat();
    let limits = Limits { concurrency: 4, heavy_total: 100, ..LIMITS };
    let mut schedule = queued(limits, &claimants, &[(0, 100), (0, 100)]);
    let at = Instant::now();
    let (mut first, _) = schedule.next(at).unwrap();
    assert!(schedule.next(at).is_none());
    schedule.reduce(&mut first, 5, at);
    let (second, _) = schedule.next(at).unwrap();
    schedule.end(first);
    schedule.end(second);
    assert_eq!((schedule.heavy_cost, schedule.heavy_running, schedule.running.len()), (0, 0, 0));
    assert!(schedule.tenants.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Join { claimant: usize, cost: u64 },
    Next,
    End { which: usize },
    Reduce { which: usize, cost: u64 },
    Leave { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..6, 1u64..100).prop_map(|(claimant, cost)| Step::Join { claimant, cost }),
        3 => Just(Step::Next),
        2 => (0usize..8).prop_map(|which| Step::End { which }),
        1 => (0usize..8, 1u64..100).prop_map(|(which, cost)| Step::Reduce { which, cost }),
        1 => (0usize..8).prop_map(|which| Step::Leave { which }),
    ]
}

proptest! {
    /// For any sequence of steps, no limit is exceeded, no turn is free while light work waits, and all waiting
    /// work is served.
    #[test]
    fn schedule_keeps_limits_and_serves_all_work(
        turns in 1usize..5,
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let claimants: Vec<_> = claimants(3, 2).concat();
        let limits = Limits { concurrency: turns, waiting: 12, ..LIMITS };
        let at = Instant::now();
        let mut schedule = Schedule::new(limits);
        let (mut running, mut waiting) = (Vec::<RunningWork>::new(), Vec::<u64>::new());
        let mut next_ticket = 0u64;
        for step in steps {
            match step {
                Step::Join { claimant, cost } => {
                    next_ticket += 1;
                    if let Ok((number, left)) = schedule.join(claimants[claimant], cost, next_ticket, at) {
                        prop_assert_eq!(number, *waiting.last().unwrap_or(&0).max(&(number - 1)) + 1);
                        waiting.push(number);
                        prop_assert!(left.is_none() || schedule.waiting() == limits.waiting);
                    }
                }
                Step::Next => {
                    let light = schedule.waiting.iter().any(|job| job.cost <= limits.heavy_from);
                    match schedule.next(at) {
                        Some((one, _)) => running.push(one),
                        None => prop_assert!(running.len() == turns || !light),
                    }
                }
                Step::End { which } if which < running.len() => schedule.end(running.swap_remove(which)),
                Step::Reduce { which, cost } if which < running.len() => {
                    schedule.reduce(&mut running[which], cost, at);
                }
                Step::Leave { which } if which < waiting.len() => schedule.leave(waiting[which]),
                _ => {}
            }
            prop_assert!(schedule.running.len() == running.len() && running.len() <= turns);
            prop_assert!(schedule.waiting() <= limits.waiting);
            prop_assert!(schedule.heavy_cost <= limits.heavy_total);
            prop_assert!(schedule.tenants.len() <= running.len() + schedule.waiting() + 6);
        }
        for one in running {
            schedule.end(one);
        }
        let left = schedule.waiting();
        let mut served = 0;
        while let Some((one, _)) = schedule.next(at) {
            served += 1;
            schedule.end(one);
        }
        prop_assert_eq!((served, schedule.waiting()), (left, 0));
        prop_assert!(schedule.tenants.is_empty() && schedule.heavy_cost == 0 && schedule.heavy_running == 0);
    }

    /// While two workspaces both wait, the served costs differ by at most the largest cost of one unit of work.
    #[test]
    fn two_waiting_workspaces_get_equal_cost(costs in prop::collection::vec((1u64..50, 1u64..50), 2..60)) {
        let claimants: Vec<_> = claimants(2, 1).concat();
        let work: Vec<_> = costs.iter().flat_map(|(one, other)| [(0, *one), (1, *other)]).collect();
        let most = work.iter().map(|(_, cost)| cost + 1).max().unwrap_or(0);
        let mut schedule = queued(Limits { concurrency: 1, ..LIMITS }, &claimants, &work);
        let (mut got, mut left) = ([0u64; 2], [costs.len(); 2]);
        while let Some((running, (claimant, cost))) = schedule.next(Instant::now()) {
            got[claimant] += cost + 1;
            left[claimant] -= 1;
            schedule.end(running);
            if left[0] > 0 && left[1] > 0 {
                prop_assert!(got[0].abs_diff(got[1]) <= most, "{got:?}");
            }
        }
    }

    /// If any number of requests of one workspace wait, a request of another workspace waits for at most one of them.
    #[test]
    fn request_waits_for_at_most_one_of_a_flood(flood in 1usize..200, cost in 1u64..100) {
        let claimants: Vec<_> = claimants(2, 1).concat();
        let mut schedule = queued(Limits { concurrency: 1, ..LIMITS }, &claimants, &vec![(0, cost); flood]);
        // One request of the flood is already running.
        let (running, _) = schedule.next(Instant::now()).unwrap();
        schedule.join(claimants[1], 1, (1, 1), Instant::now()).unwrap();
        schedule.end(running);
        prop_assert_eq!(schedule.next(Instant::now()).unwrap().1.0, 1);
    }
}

/// Two cores in simulated time. A unit of cost takes a microsecond: two million for a prediction, plus one for each
/// pixel (25 ms and 500 ms for the largest image on a real core, at another scale).
struct Simulation {
    schedule: Schedule<(usize, u64)>,
    start: Instant,
    now: u64,
    /// Running work: its end, its handle, the index of its claimant, and the time of its request.
    in_progress: Vec<(u64, RunningWork, usize, u64)>,
    durations: Vec<u64>,
}

const VICTIM: usize = 0;
const SMALL: u64 = 1_000_000;
const LARGEST: u64 = 40_000_000;

impl Simulation {
    fn join(&mut self, claimants: &[Claimant], claimant: usize, cost: u64) {
        let _ = self.schedule.join(claimants[claimant], cost, (claimant, self.now), self.at());
        self.begin();
    }

    fn at(&self) -> Instant {
        self.start + Duration::from_micros(self.now)
    }

    fn begin(&mut self) {
        while let Some((running, (claimant, sent_at))) = self.schedule.next(self.at()) {
            let end = self.now + running.cost + self.schedule.limits.base_cost;
            self.in_progress.push((end, running, claimant, sent_at));
        }
    }

    /// Advances to the next end of work, or to `until`. Returns the claimant whose work ended.
    fn step(&mut self, until: u64) -> Option<usize> {
        let next = self
            .in_progress
            .iter()
            .enumerate()
            .min_by_key(|(_, one)| one.0)
            .map(|(place, one)| (place, one.0));
        let Some((place, end)) = next.filter(|(_, end)| *end <= until) else {
            self.now = until;
            return None;
        };
        self.now = end;
        let (_, running, claimant, sent_at) = self.in_progress.swap_remove(place);
        self.schedule.end(running);
        if claimant == VICTIM {
            self.durations.push(end - sent_at);
        }
        self.begin();
        Some(claimant)
    }
}

/// The 99th percentile of the victim's response times. The victim sends a request about every nine seconds of simulated
/// time, beside clients that send the next request as soon as they get a response.
fn p99(background: &[(usize, u64)]) -> u64 {
    let claimants: Vec<_> = claimants(3, 1).concat();
    let limits = Limits {
        concurrency: 2,
        waiting: 64,
        heavy_from: 4_000_000,
        heavy_total: 2 * LARGEST,
        base_cost: 2_000_000,
    };
    let (schedule, start) = (Schedule::new(limits), Instant::now());
    let mut run = Simulation { schedule, start, now: 0, in_progress: Vec::new(), durations: Vec::new() };
    for (claimant, cost) in background {
        run.join(&claimants, *claimant, *cost);
    }
    for request in 1..=600 {
        while let Some(claimant) = run.step(request * 9_100_003) {
            if let Some((_, cost)) = background.iter().find(|(one, _)| *one == claimant) {
                run.join(&claimants, claimant, *cost);
            }
        }
        run.join(&claimants, VICTIM, SMALL);
    }
    let mut durations = run.durations;
    durations.sort_unstable();
    durations[durations.len() * 99 / 100]
}

#[test]
fn p99_at_most_doubles_beside_a_flooding_workspace() {
    let alone = p99(&[]);
    assert_eq!(alone, SMALL + 2_000_000);
    for (name, flood) in [
        ("sixty of the largest images", vec![(1, LARGEST); 60]),
        ("sixty small images", vec![(1, SMALL); 60]),
        ("sixty images just below the heavy limit", vec![(1, 4_000_000); 60]),
        ("two workspaces", [vec![(1, LARGEST); 30], vec![(2, SMALL); 30]].concat()),
    ] {
        let loaded = p99(&flood);
        assert!(loaded <= 2 * alone, "{name}: {loaded} is more than twice {alone}");
    }
}
