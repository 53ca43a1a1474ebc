use api::{Request, Response, User, WatchEvent};
use sim::Time;

/// What a stream had when it was asked.
#[derive(Clone, Debug)]
pub enum StreamRead {
    /// An event of a watch.
    Event(WatchEvent),
    /// Text: a log's lines, a process's output.
    Bytes(String),
    /// Text of a process's standard error.
    Errors(String),
    /// The process ended with this code; nothing comes after it.
    Exit(i32),
    /// The beginning of an answer over HTTP that came through the API server; its body follows.
    Head {
        /// The status code.
        status: u16,
        /// The headers, in order.
        headers: Vec<(String, String)>,
    },
    /// Nothing yet.
    Empty,
    /// Nothing, and nothing will come.
    Closed,
}

/// What kubectl needs from the machine that it runs on.
pub trait Host {
    /// Returns the moment that it is.
    fn now(&self) -> Time;

    /// Sends a request to the API server.
    ///
    /// # Errors
    /// The text to print where the server can't be reached.
    fn request(&mut self, request: Request) -> Result<Response, String>;

    /// Takes the next thing out of a stream.
    fn poll(&mut self, stream: u64) -> StreamRead;

    /// Writes to the standard input of the process behind a stream. An empty text ends that input.
    fn write(&mut self, stream: u64, text: &str);

    /// Closes a stream.
    fn close(&mut self, stream: u64);

    /// Opens a port of the machine that leads to a port of the pod that a stream is for. Returns its
    /// number, which is the machine's choice for 0; `None` where it is taken.
    fn listen(&mut self, stream: u64, local: u16, remote: u16) -> Option<u16> {
        let _ = (stream, local, remote);
        None
    }

    /// Opens a port of the machine that leads to the API server as a user; paths there begin with a prefix.
    /// Returns a stream that ends with it, and the port's number, which is the machine's choice for 0; `None`
    /// where it is taken.
    fn serve_api(&mut self, user: &User, local: u16, prefix: &str) -> Option<(u64, u16)> {
        let _ = (user, local, prefix);
        None
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Why it can't be read, in the words of Go's `os` package: `no such file or directory`.
    fn read_file(&mut self, path: &str) -> Result<String, String>;

    /// Writes a file.
    ///
    /// # Errors
    /// Why it can't be written.
    fn write_file(&mut self, path: &str, text: &str) -> Result<(), String>;

    /// Returns the names of a folder's entries in order, those of folders with a `/` at the end;
    /// `None` where the path is no folder.
    fn list_folder(&mut self, path: &str) -> Option<Vec<String>> {
        let _ = path;
        None
    }

    /// Returns the path from the root of what a path names.
    fn absolute(&self, path: &str) -> String {
        path.to_string()
    }

    /// Makes a folder; nothing happens where it is there already.
    fn make_folder(&mut self, path: &str) {
        let _ = path;
    }

    /// Fetches what is at a URL.
    ///
    /// # Errors
    /// Why it can't be fetched.
    fn fetch(&mut self, url: &str) -> Result<String, String>;

    /// Returns a variable of the environment.
    fn variable(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// Returns the path of the user's own kubeconfig, where the machine keeps it as a file.
    fn own_kubeconfig(&self) -> Option<String> {
        None
    }

    /// Returns the path of the kubeconfig, for messages.
    fn kubeconfig_path(&self) -> String {
        "/root/.kube/config".to_string()
    }

    /// Prints to the standard output.
    fn out(&mut self, text: &str);

    /// Prints to the standard error.
    fn err(&mut self, text: &str);
}
