use super::*;

fn numbers(seed: u32) -> impl Iterator<Item = f32> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(state >> 16).unwrap()) / 65_536.0 - 0.5
    })
}

#[test]
fn gradient_matches_finite_differences() {
    let data: Vec<Vec<f32>> = (0..12).map(|n| numbers(n).take(5).collect()).collect();
    let rows = TrainingRows {
        features: data.iter().map(Vec::as_slice).collect(),
        classes: (0..12).map(|n| n % 3).collect(),
    };
    let mut head = Softmax::zero(5, 3);
    head.weights = numbers(99).take(18).collect();
    let (_, gradient) = head.loss(&rows, 0.1, &mut |_| Ok(())).unwrap();
    for (at, fitted) in gradient.iter().enumerate() {
        let moved = |by: f32| {
            let mut head = head.clone();
            head.weights[at] += by;
            head.loss(&rows, 0.1, &mut |_| Ok(())).unwrap().0
        };
        let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        assert!((slope - f64::from(*fitted)).abs() < 1e-3, "{at}: {slope} {fitted}");
    }
}

#[test]
fn separable_classes_are_separated_and_the_loss_never_rises() {
    let data: Vec<Vec<f32>> = (0..60)
        .map(|n: u32| {
            numbers(n)
                .take(20)
                .enumerate()
                .map(|(at, x)| x + if at == (n % 3) as usize { 2.0 } else { 0.0 })
                .collect()
        })
        .collect();
    let rows = TrainingRows {
        features: data.iter().map(Vec::as_slice).collect(),
        classes: (0..60).map(|n| n % 3).collect(),
    };
    let mut head = Softmax::zero(20, 3);
    let mut losses = Vec::new();
    head.fit(&rows, 1e-3, 100, &mut |step| {
        losses.extend(step.map(|step| step.loss));
        Ok(())
    })
    .unwrap();
    assert!(losses.is_sorted_by(|a, b| a >= b), "{losses:?}");
    let right = rows.features.iter().zip(&rows.classes).filter(|(x, class)| {
        let logits = head.logits(x);
        (0..3).all(|other| logits[other] <= logits[**class])
    });
    assert_eq!(right.count(), 60);
}

#[test]
fn fit_stops_after_cancellation() {
    let rows = TrainingRows { features: vec![&[1.0], &[-1.0]], classes: vec![0, 1] };
    let mut steps = 0;
    let stopped = Softmax::zero(1, 2).fit(&rows, 1e-6, 100, &mut |_| {
        steps += 1;
        Err(Cancelled)
    });
    assert_eq!((stopped, steps), (Err(Cancelled), 1));
}
