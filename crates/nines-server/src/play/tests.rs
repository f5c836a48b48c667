//! What drawings promise, on a generator that does what a test tells it.

use super::*;
use futures_util::FutureExt;
use nines_domain::draw::Finish;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::GenerateStats;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Draws one text after another, slowly, until it is told to stop. A restless one never says the
/// same twice.
#[derive(Default)]
struct Double {
    restless: bool,
    told: AtomicU32,
    stopped: AtomicBool,
}

impl Generator for Double {
    fn id(&self) -> String {
        "double".to_owned()
    }

    fn context_window(&self) -> Option<usize> {
        None
    }

    fn generate(
        &self,
        requests: &[PromptRequest],
        sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        for draw in requests[0].draws.clone() {
            std::thread::sleep(Duration::from_millis(2));
            if cancel.is_cancelled() {
                self.stopped.store(true, Ordering::SeqCst);
                break;
            }
            let told = self.told.fetch_add(1, Ordering::SeqCst);
            let seed = sampling.seed;
            on_draw(
                0,
                Ok(Draw {
                    draw,
                    completion: match self.restless {
                        true => format!("{told}."),
                        false => format!("{seed}/{draw}."),
                    },
                    finish: Finish::Sentence,
                    tokens: 3,
                }),
            );
        }
        Ok(GenerateStats::default())
    }
}

fn play(generator: &Arc<Double>) -> Play {
    let generator = generator.clone();
    Play::new(move || {
        let generator: Arc<dyn Generator> = generator.clone();
        async move { Ok(generator) }.boxed()
    })
}

#[tokio::test]
async fn draws_come_and_end() {
    let play = play(&Arc::new(Double::default()));
    let sampling = Sampling::default();
    let mut drawing = play.start("Once.", 3..6, &sampling).await.expect("starts");
    let mut texts = Vec::new();
    while let Some(drawn) = drawing.next().await {
        match drawn {
            Drawn::Draw(draw) => texts.push(draw.completion),
            Drawn::Ended(ended) => assert!(ended.is_ok()),
            Drawn::Failed(error) => panic!("{error}"),
        }
    }
    assert_eq!(texts, ["0/3.", "0/4.", "0/5."]);
}

#[tokio::test]
async fn dropping_a_drawing_stops_the_generator_and_frees_its_place() {
    let generator = Arc::new(Double::default());
    let play = play(&generator);
    let sampling = Sampling::default();
    let mut first = play.start("a", 0..100_000, &sampling).await.expect("room");
    let second = play.start("b", 0..100_000, &sampling).await.expect("room");
    let third = play.start("c", 0..1, &sampling).await;
    assert!(matches!(third, Err(PlayError::Full { .. })), "{third:?}");
    assert!(matches!(first.next().await, Some(Drawn::Draw(_))));
    drop(first);
    let waiting = async {
        while play.start("c", 0..1, &sampling).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let freed = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    freed.expect("its place is free");
    assert!(generator.stopped.load(Ordering::SeqCst));
    drop(second);
}

#[tokio::test]
async fn nobody_is_believed_about_what_a_generator_says() {
    let play_of = play(&Arc::new(Double::default()));
    let sampling = Sampling {
        seed: 7,
        ..Sampling::default()
    };
    let claim = |completion| Candidate {
        prompt: "Once.",
        sampling: &sampling,
        draw: 4,
        completion,
    };
    let (name, origin) = play_of.origin(&claim("7/4.")).await.expect("drawn again");
    assert_eq!(name, "double");
    assert!(matches!(origin, Origin::Repeatable(draw) if draw.tokens == 3));
    let (_, origin) = play_of
        .origin(&claim("Something else."))
        .await
        .expect("drawn");
    assert_eq!(origin, Origin::Unknown);

    // What cannot be drawn again is believed where it was seen.
    let play_of = play(&Arc::new(Double {
        restless: true,
        ..Double::default()
    }));
    let mut drawing = play_of
        .start("Once.", 4..5, &sampling)
        .await
        .expect("starts");
    let Some(Drawn::Draw(draw)) = drawing.next().await else {
        panic!("nothing was drawn");
    };
    play_of.remember("double", "Once.", &sampling, &draw);
    drop(drawing);
    let said = draw.completion.clone();
    let (_, origin) = play_of.origin(&claim(&said)).await.expect("drawn");
    assert_eq!(origin, Origin::Once(draw));
    let (_, origin) = play_of.origin(&claim("Never said.")).await.expect("drawn");
    assert_eq!(origin, Origin::Unknown);
}
