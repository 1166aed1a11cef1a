//! What the server counts, for tests that wait until something is so or ask what was done. Only for servers that run on
//! the thread of the test, as they do in `#[tokio::test]`.

use std::{collections::BTreeMap, sync::Arc};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, LocalRecorderGuard, Metadata, Recorder,
    SharedString, Unit,
};
use tokio::sync::watch;

/// How many syncs wait for news.
pub(crate) const SYNCS_WAITING: &str = "rohrpost_syncs_waiting";
/// How many passwords were hashed, by what each costs.
pub(crate) const PASSWORDS_HASHED: &str = "rohrpost_password_hashes_total";

/// By name, and within it by labels.
type Values = BTreeMap<String, BTreeMap<String, i64>>;

/// Figures as Prometheus would have them.
#[derive(Default)]
pub(crate) struct Figures(Arc<watch::Sender<Values>>);

struct Figure {
    name: String,
    labels: String,
    values: Arc<watch::Sender<Values>>,
}

impl Figures {
    /// Counts until the guard is dropped.
    pub(crate) fn count(&self) -> LocalRecorderGuard<'_> {
        metrics::set_default_local_recorder(self)
    }

    /// Waits until a figure without labels has a value.
    pub(crate) async fn until(&self, name: &str, value: i64) {
        let has_it = |values: &Values| {
            let found = values.get(name).and_then(|by_labels| by_labels.get(""));
            found == Some(&value)
        };
        let mut values = self.0.subscribe();
        values.wait_for(has_it).await.expect("it is still counted");
    }

    /// A figure by its labels, which begins anew.
    pub(crate) fn take(&self, name: &str) -> BTreeMap<String, i64> {
        let mut taken = None;
        self.0.send_modify(|values| taken = values.remove(name));
        taken.unwrap_or_default()
    }

    fn figure(&self, key: &Key) -> Arc<Figure> {
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        Arc::new(Figure {
            name: key.name().to_owned(),
            labels: labels.collect::<Vec<_>>().join(" "),
            values: Arc::clone(&self.0),
        })
    }
}

impl Figure {
    fn change(&self, change: impl FnOnce(&mut i64)) {
        self.values.send_modify(|values| {
            let by_labels = values.entry(self.name.clone()).or_default();
            change(by_labels.entry(self.labels.clone()).or_default());
        });
    }
}

impl CounterFn for Figure {
    fn increment(&self, value: u64) {
        self.change(|figure| *figure += value as i64);
    }

    fn absolute(&self, value: u64) {
        self.change(|figure| *figure = value as i64);
    }
}

impl GaugeFn for Figure {
    fn increment(&self, value: f64) {
        self.change(|figure| *figure += value as i64);
    }

    fn decrement(&self, value: f64) {
        self.change(|figure| *figure -= value as i64);
    }

    fn set(&self, value: f64) {
        self.change(|figure| *figure = value as i64);
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.figure(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
