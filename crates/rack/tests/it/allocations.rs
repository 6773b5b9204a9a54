//! A check allocates nothing.

use keyrack_key::{Brands, Denial, Rate, Restrictions};

use crate::history::{History, NOW, Step, ask_as, loaded};

#[test]
fn check_allocates_nothing_for_any_outcome() {
    let mut history = History::of_keys(1, 100);
    history.take(Step::Delete { key: 7 });
    let rate = Rate::new(1_000_000, 1).ok();
    history.restrict(8, Restrictions { rate, visitor_rate: rate, ..Restrictions::NONE });
    let rack = loaded(history.snapshot());
    let unknown = History::of_keys(2, 1).secrets.remove(0);
    let brands = Brands::default();
    let ask_all = || {
        let allowed =
            history.secrets.iter().filter(|secret| ask_as(&brands, &rack, secret, NOW).is_ok()).count();
        assert_eq!(allowed, 99);
        assert_eq!(ask_as(&brands, &rack, &unknown, NOW), Err((Denial::Unknown, None)));
    };
    // The first check of a book allocates the memory for its counts.
    ask_all();
    assert_eq!(allocation_counter::measure(ask_all).count_total, 0);
}
