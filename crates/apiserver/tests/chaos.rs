//! Caches under chaos: watches that are cut, histories that are forgotten, answers that are late, writers that
//! write over what they haven't seen. Whatever happens on the way, in the end each cache holds what the store
//! holds, and no write is lost in silence.

use api::{EventType, Method, Request, Resource, Value, WatchEvent, meta, resources, tree};
use apiserver::{ApiServer, Options};
use client::{Informer, Reflector, WatchSpec};
use sim::{Chance, MILLISECOND, Time};
use std::collections::{BTreeMap, VecDeque};

const SEEDS: u64 = 1_000;
const STEPS: u64 = 40;
const NAMES: i64 = 8;
const MAPS: Resource = resources::CONFIGMAPS;

/// What befell the caches, so that a test in which nothing happens is seen.
#[derive(Debug, Default)]
struct Seen {
    writes: u32,
    conflicts: u32,
    cuts: u32,
    expired: u32,
    lost: u32,
}

/// A cache, and the way of its events.
struct Cache {
    spec: WatchSpec,
    reflector: Reflector,
    informer: Informer,
    /// The stream that is open; 0 for none.
    stream: u64,
    /// What is under way, with the step at which it arrives.
    under_way: VecDeque<(u64, WatchEvent)>,
}

struct Play {
    server: ApiServer,
    caches: Vec<Cache>,
    chance: Chance,
    step: u64,
    /// How often each object was written with success, as the object itself counts it.
    counts: BTreeMap<String, i64>,
    seen: Seen,
}

impl Play {
    fn draw(&self, what: &str, high: i64) -> i64 {
        self.chance.between(what, "", self.step, 0, high - 1)
    }

    fn send(&mut self, request: &Request) -> api::Response {
        let now = Time::EPOCH + (self.step as i64) * MILLISECOND;
        self.server.handle(now, request)
    }

    /// Writes by what a cache knows, which may be old.
    fn write(&mut self) {
        let name = format!("m{}", self.draw("name", NAMES));
        let cache = self.draw("writer", self.caches.len() as i64) as usize;
        let known = self.caches[cache].informer.get(&format!("default/{name}")).cloned();
        let path = MAPS.object("default", &name, "");
        let request = match known {
            None => Request::new(Method::Post, MAPS.collection("default")).body(tree!({
                "metadata": {"name": (name.as_str()), "labels": {"app": "a"}}, "data": {"count": "1"},
            })),
            Some(_) if self.draw("delete", 6) == 0 => Request::new(Method::Delete, path),
            Some(mut object) => {
                let count: i64 = object["data"]["count"].str().parse().unwrap();
                object.set(&["data", "count"], (count + 1).to_string());
                let app = if self.draw("app", 3) == 0 { "b" } else { "a" };
                object.set(&["metadata", "labels", "app"], app);
                Request::new(Method::Put, path).body(object)
            }
        };
        let response = self.send(&request);
        self.seen.writes += 1;
        match (response.code, request.method) {
            (200 | 201, Method::Delete) => drop(self.counts.remove(&name)),
            (200 | 201, _) => {
                let count = self.counts.entry(name.clone()).or_default();
                *count += 1;
                let found = response.body["data"]["count"].str().to_string();
                assert_eq!(found, count.to_string(), "a write went over one that its writer had not seen");
            }
            (409, _) => self.seen.conflicts += 1,
            (404, _) => {}
            (code, _) => panic!("{code} {:?}", response.body),
        }
    }

    /// Puts what the server tells under way. A stream keeps its order.
    fn tell(&mut self) {
        for (stream, revision, event) in self.server.take_watch_events() {
            let late = self.chance.between("late", &stream.to_string(), revision.unsigned_abs(), 0, 9) as u64;
            if let Some(cache) = self.caches.iter_mut().find(|cache| cache.stream == stream) {
                let after = cache.under_way.back().map_or(0, |(due, _)| *due);
                cache.under_way.push_back((after.max(self.step + late), event));
            }
        }
    }

    fn arrive(&mut self) {
        for cache in &mut self.caches {
            while cache.under_way.front().is_some_and(|(due, _)| *due <= self.step) {
                let Some((_, event)) = cache.under_way.pop_front() else { break };
                if event.event == EventType::Error {
                    assert_eq!(event.object["reason"].str(), "Expired");
                    self.seen.expired += 1;
                    cache.stream = 0;
                }
                if let Some(delivery) = cache.reflector.take(event) {
                    cache.informer.deliver(delivery);
                }
            }
        }
    }

    fn cut(&mut self, cache: usize) {
        let cache = &mut self.caches[cache];
        if cache.stream != 0 {
            self.server.close_stream(cache.stream);
            self.seen.cuts += 1;
            self.seen.lost += cache.under_way.len() as u32;
            cache.under_way.clear();
            cache.stream = 0;
        }
    }

    /// Lists where there is nothing to go on from, and watches.
    fn connect(&mut self, number: usize) {
        if self.caches[number].stream != 0 {
            return;
        }
        if self.caches[number].reflector.watch().is_none() {
            let list = self.send(&self.caches[number].reflector.list());
            let cache = &mut self.caches[number];
            let delivery = cache.reflector.listed(&list.body);
            cache.informer.deliver(delivery);
            // Between a list and its watch the world goes on.
            if self.draw("between", 3) == 0 {
                return;
            }
        }
        if let Some(request) = self.caches[number].reflector.watch() {
            self.caches[number].stream = self.send(&request).stream;
        }
    }

    fn all(&mut self, spec: &WatchSpec) -> Vec<Value> {
        let list = self.send(&Reflector::new(spec.clone()).list());
        list.body["items"].items().to_vec()
    }

    fn run(mut self) -> Seen {
        for step in 0..STEPS {
            self.step = step;
            self.write();
            self.tell();
            self.arrive();
            match self.draw("fault", 12) {
                0 | 1 => {
                    let cache = self.draw("cut", self.caches.len() as i64) as usize;
                    self.cut(cache);
                }
                2 => self.server.compact(self.server.revision()),
                3 => self.server.send_bookmarks(),
                _ => {}
            }
            for cache in 0..self.caches.len() {
                if self.chance.between("connect", &cache.to_string(), step, 0, 3) == 0 {
                    self.connect(cache);
                }
            }
            self.tell();
        }
        // The faults end. After a list, a refused watch and another list everybody is there.
        for step in STEPS..STEPS + 40 {
            self.step = step;
            (0..self.caches.len()).for_each(|cache| self.connect(cache));
            self.tell();
            self.arrive();
        }
        for number in 0..self.caches.len() {
            let spec = self.caches[number].spec.clone();
            let stored = self.all(&spec);
            let cached: Vec<Value> = self.caches[number].informer.iter().cloned().collect();
            assert_eq!(cached, stored, "{spec:?}");
        }
        let counts: BTreeMap<String, i64> = self
            .all(&WatchSpec::all(MAPS))
            .iter()
            .filter(|map| meta::namespace(map) == "default")
            .map(|map| (meta::name(map).to_string(), map["data"]["count"].str().parse().unwrap_or(0)))
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(counts, self.counts);
        self.seen
    }
}

#[test]
fn caches_end_as_the_store_does() {
    let options = Options { history: 24, ..Options::default() };
    let booted = ApiServer::new(Time::EPOCH, options);
    let mut total = Seen::default();
    for seed in 0..SEEDS {
        let specs = [
            WatchSpec::all(MAPS),
            WatchSpec { namespace: "default".into(), ..WatchSpec::all(MAPS) },
            WatchSpec { label_selector: "app=a".into(), ..WatchSpec::all(MAPS) },
            WatchSpec::with_fields(MAPS, "metadata.name=m1"),
        ];
        let caches = specs.map(|spec| Cache {
            reflector: Reflector::new(spec.clone()),
            informer: Informer::new(spec.resource),
            spec,
            stream: 0,
            under_way: VecDeque::new(),
        });
        let play = Play {
            server: booted.clone(),
            caches: caches.into(),
            chance: Chance::new(seed),
            step: 0,
            counts: BTreeMap::new(),
            seen: Seen::default(),
        };
        let seen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play.run()));
        let seen = seen.unwrap_or_else(|_| panic!("seed {seed}"));
        total.writes += seen.writes;
        total.conflicts += seen.conflicts;
        total.cuts += seen.cuts;
        total.expired += seen.expired;
        total.lost += seen.lost;
    }
    let Seen { writes, conflicts, cuts, expired, lost } = total;
    assert!(
        writes > 30_000 && conflicts > 2_000 && cuts > 3_000 && expired > 500 && lost > 1_000,
        "{total:?}"
    );
}
