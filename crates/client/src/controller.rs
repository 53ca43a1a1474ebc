use crate::{Change, Component, Cx, Delivery, Failure, Identity, IndexBy, Informers, WatchSpec, WorkQueue};
use api::Resource;
use sim::{Nanos, Time};
use std::rc::Rc;

/// Where a controller puts the keys that a change concerns.
pub struct Enqueue<'a> {
    now: Time,
    queue: &'a mut WorkQueue,
}

impl Enqueue<'_> {
    /// Adds a key.
    pub fn add(&mut self, key: impl Into<Rc<str>>) {
        self.queue.add(self.now, key.into());
    }

    /// Adds a key that is due later.
    pub fn add_after(&mut self, key: impl Into<Rc<str>>, delay: Nanos) {
        self.queue.add_after(self.now, key.into(), delay);
    }

    /// Returns when the change was told.
    pub fn now(&self) -> Time {
        self.now
    }
}

/// A controller's own part: which keys a change concerns, and how one key's state is made as wanted.
///
/// It is level-triggered: `reconcile` looks at the caches, never at what changed, so that a controller
/// may be dropped and made anew at any moment.
pub trait Reconcile: Clone {
    /// Returns under which name it asks; the agent is `controller/NAME`.
    fn identity(&self) -> Identity;

    /// Returns the resources whose caches it reads.
    fn resources(&self) -> Vec<Resource>;

    /// Returns the indices that it needs.
    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        Vec::new()
    }

    /// Returns whether it is told of changes of resources, too, whose caches it doesn't read.
    fn hears_of_everything(&self) -> bool {
        false
    }

    /// Adds the keys that a change concerns. The caches hold the change already.
    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue);

    /// Makes one key's state as wanted. `Some(delay)` asks for another look later.
    ///
    /// # Errors
    /// A failure makes the key come back, later each time.
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure>;
}

/// A controller as the controller manager runs it.
pub trait Controller {
    /// Returns under which name it asks.
    fn identity(&self) -> &Identity;
    /// Returns what it watches.
    fn watches(&self) -> Vec<WatchSpec>;
    /// Returns the indices that it needs.
    fn indices(&self) -> Vec<(Resource, IndexBy)>;
    /// Returns whether it is told of changes of what it doesn't watch, too.
    fn hears_of_everything(&self) -> bool {
        false
    }
    /// Takes a change that the caches hold already.
    fn observe(&mut self, now: Time, change: &Change, informers: &Informers);
    /// Returns when it has something to do.
    fn next_at(&self) -> Time;
    /// Does one thing that is due.
    fn step(&mut self, cx: &mut Cx, informers: &Informers);
    /// Returns (keys that wait, moment of the last reconcile, its key), for people.
    fn state(&self) -> (u32, Option<Time>, Rc<str>);
    /// Returns a copy.
    fn boxed(&self) -> Box<dyn Controller>;
}

impl Clone for Box<dyn Controller> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

/// A queue and the one worker that takes its keys, each with the time that it takes.
#[derive(Clone)]
pub struct WorkLoop {
    identity: Identity,
    queue: WorkQueue,
    busy_until: Time,
    done: u64,
    last: Option<(Time, Rc<str>)>,
}

impl WorkLoop {
    /// Makes the loop of a controller.
    pub fn new(identity: Identity) -> WorkLoop {
        WorkLoop { identity, queue: WorkQueue::default(), busy_until: Time(i64::MIN), done: 0, last: None }
    }

    /// Returns under which name it asks.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns where keys are put.
    pub fn enqueue(&mut self, now: Time) -> Enqueue<'_> {
        Enqueue { now, queue: &mut self.queue }
    }

    /// Returns when it has something to do.
    pub fn next_at(&self) -> Time {
        match self.queue.next_at() {
            Time::NEVER => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    /// Takes the key that is due, if one is, and begins to act as the controller. Give back what it returns.
    pub fn begin(&mut self, cx: &mut Cx) -> Option<(Rc<str>, Identity)> {
        let key = self.queue.pop(cx.now)?;
        let before = cx.act_as(self.identity.clone());
        self.done += 1;
        cx.spend(cx.timing.reconcile.draw(cx.chance, &self.identity.agent, &key, self.done));
        Some((key, before))
    }

    /// Ends what [`WorkLoop::begin`] began; `shown` is what people call the key. After a failure it comes back,
    /// later each time, after `Some(delay)` once more.
    pub fn end(
        &mut self,
        cx: &mut Cx,
        (key, before): (Rc<str>, Identity),
        shown: Rc<str>,
        result: Result<Option<Nanos>, Failure>,
    ) {
        self.busy_until = cx.at();
        self.last = Some((cx.at(), shown));
        match result {
            Ok(after) => {
                self.queue.forget(&key);
                if let Some(delay) = after {
                    self.queue.add_after(cx.at(), key, delay);
                }
            }
            Err(_) => self.queue.add_rate_limited(cx.at(), key),
        }
        cx.act_as(before);
    }

    /// Returns (keys that wait, moment of the last reconcile, its key), for people.
    pub fn state(&self) -> (u32, Option<Time>, Rc<str>) {
        let (at, key) = match &self.last {
            Some((at, key)) => (Some(*at), key.clone()),
            None => (None, "".into()),
        };
        (u32::try_from(self.queue.len()).unwrap_or(u32::MAX), at, key)
    }
}

/// Runs a [`Reconcile`] in a [`WorkLoop`].
#[derive(Clone)]
pub struct Worker<R> {
    reconciler: R,
    work: WorkLoop,
}

impl<R: Reconcile> Worker<R> {
    /// Makes the worker of a controller.
    pub fn new(reconciler: R) -> Worker<R> {
        let work = WorkLoop::new(reconciler.identity());
        Worker { reconciler, work }
    }
}

impl<R: Reconcile + 'static> Controller for Worker<R> {
    fn identity(&self) -> &Identity {
        self.work.identity()
    }

    fn watches(&self) -> Vec<WatchSpec> {
        self.reconciler.resources().into_iter().map(WatchSpec::all).collect()
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        self.reconciler.indices()
    }

    fn hears_of_everything(&self) -> bool {
        self.reconciler.hears_of_everything()
    }

    fn observe(&mut self, now: Time, change: &Change, informers: &Informers) {
        self.reconciler.enqueue(change, informers, &mut self.work.enqueue(now));
    }

    fn next_at(&self) -> Time {
        self.work.next_at()
    }

    fn step(&mut self, cx: &mut Cx, informers: &Informers) {
        let Some(begun) = self.work.begin(cx) else { return };
        let result = self.reconciler.reconcile(cx, informers, &begun.0);
        let shown = begun.0.clone();
        self.work.end(cx, begun, shown, result);
    }

    fn state(&self) -> (u32, Option<Time>, Rc<str>) {
        self.work.state()
    }

    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}

/// A controller that is a program of its own: a [`Worker`] with the caches that it reads.
#[derive(Clone)]
pub struct Program<R> {
    worker: Worker<R>,
    informers: Informers,
}

impl<R: Reconcile + 'static> Program<R> {
    /// Makes the program as it is when its process starts.
    pub fn new(reconciler: R) -> Program<R> {
        let worker = Worker::new(reconciler);
        let mut informers = Informers::new(&worker.watches());
        for (resource, by) in worker.indices() {
            informers.add_index(resource, by);
        }
        Program { worker, informers }
    }

    /// Returns the controller's own part.
    pub fn reconciler_mut(&mut self) -> &mut R {
        &mut self.worker.reconciler
    }
}

impl<R: Reconcile + 'static> Component for Program<R> {
    fn identity(&self) -> &Identity {
        self.worker.identity()
    }

    fn watches(&self) -> Vec<WatchSpec> {
        self.worker.watches()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        for change in self.informers.deliver(watch, delivery) {
            self.worker.observe(cx.now, &change, &self.informers);
        }
    }

    /// Nothing is done before all caches are filled.
    fn next_at(&self) -> Time {
        match self.worker.next_at() {
            at if at == Time::NEVER || !self.informers.are_synced() => Time::NEVER,
            at => at,
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        self.worker.step(cx, &self.informers);
    }
}
