//! Requests from outside the simulation: a client over HTTP. They go the way of the console's.

use crate::Cluster;
use api::{Request, Response};
use kubectl::StreamRead;
use shell::{Host, Place};
use sim::Record;

impl Cluster {
    /// Hands a request to the API server at the present moment. What its stream brings is read with
    /// [`Cluster::read_stream`].
    pub fn request(&mut self, request: &Request) -> Response {
        let answer = self.with_ground(|ground| ground.request(&Place::Client, request.clone()));
        self.after();
        answer.unwrap_or_else(|why| Response::new(503, why))
    }

    /// Takes the next thing out of a stream.
    pub fn read_stream(&mut self, stream: u64) -> StreamRead {
        self.with_ground(|ground| ground.stream_read(stream))
    }

    /// Writes to the standard input of the process behind a stream. An empty text ends that input.
    pub fn write_stream(&mut self, stream: u64, text: &str) {
        self.with_ground(|ground| ground.stream_write(stream, text));
        self.step_terminal();
        self.after();
    }

    /// Ends a stream that its reader has left.
    pub fn close_stream(&mut self, stream: u64) {
        self.with_ground(|ground| ground.stream_close(stream));
        self.step_terminal();
        self.after();
    }

    /// Tells the watchers who asked for bookmarks how far their watch is.
    pub fn send_bookmarks(&mut self) {
        self.world.send_bookmarks();
    }

    /// Returns what happened since a record, as far as it is still kept.
    pub fn trace_since(&self, id: u64) -> impl Iterator<Item = &Record> {
        self.world.trace.since(id)
    }
}
