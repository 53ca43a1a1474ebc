use crate::place::{Facts, Place};
use api::{Request, Response, User};
use kubectl::{Config, StreamRead};
use sim::{Nanos, Time};

/// Why a file can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileError {
    /// There is none.
    NotFound,
    /// It is a folder.
    IsDirectory,
    /// A part of the path is no folder.
    NotDirectory,
    /// It may not be changed.
    ReadOnly,
    /// It belongs to another.
    Denied,
    /// There is no room for it.
    NoSpace,
    /// The folder isn't empty.
    NotEmpty,
    /// It is there already.
    Exists,
}

impl FileError {
    /// Returns the words of libc's `strerror`.
    pub fn words(self) -> &'static str {
        match self {
            FileError::NotFound => "No such file or directory",
            FileError::IsDirectory => "Is a directory",
            FileError::NotDirectory => "Not a directory",
            FileError::ReadOnly => "Read-only file system",
            FileError::Denied => "Permission denied",
            FileError::NoSpace => "No space left on device",
            FileError::NotEmpty => "Directory not empty",
            FileError::Exists => "File exists",
        }
    }
}

/// What is asked through the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NetProtocol {
    /// An HTTP request.
    Http {
        /// GET, POST, …
        method: String,
        /// The Host header.
        host: String,
        /// The path with its query.
        path: String,
        /// The headers besides Host, in order.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
        /// Whether it goes through TLS.
        tls: bool,
    },
    /// A question of DNS. With an empty [`NetRequest::address`] it goes to the place's own server.
    Dns {
        /// The name.
        name: String,
        /// The record's type: `A`.
        kind: String,
        /// Whether the place's search list is gone through, as programs do, or the name is asked as it is.
        search: bool,
    },
    /// A connection over which this is sent; an empty text only opens it.
    Tcp {
        /// What is sent.
        payload: String,
    },
    /// How a client begins TLS with somebody whom it calls so.
    Hello {
        /// The name that is meant (SNI).
        name: String,
        /// Whether something is asked over the same connection then.
        goes_on: bool,
    },
    /// A connection over which nothing is sent: what the other side says is read.
    Silence,
    /// A datagram of UDP with this in it.
    Udp {
        /// What is sent.
        payload: String,
        /// The port that it is sent from; 0 for any.
        from_port: u16,
    },
    /// An echo request.
    Icmp,
    /// A packet that may be passed on so often, as `traceroute` sends it: of UDP, of ICMP without a port.
    Probe {
        /// How often.
        ttl: u8,
    },
}

/// What is asked, of whom, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetRequest {
    /// What.
    pub protocol: NetProtocol,
    /// The address; names are looked up first, by a request of their own.
    pub address: String,
    /// The port; 0 where there is none.
    pub port: u16,
    /// How long to wait for the connection and the answer.
    pub timeout: Nanos,
}

/// A record of DNS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsRecord {
    /// Whose it is.
    pub name: String,
    /// How long it may be kept, in seconds.
    pub ttl_seconds: u32,
    /// `A`, `CNAME`, `SRV`, …
    pub kind: String,
    /// What it says, as `dig` prints it.
    pub data: String,
}

/// The certificate that a server shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Certificate {
    /// Whose it is: `CN=kube-apiserver`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Why nobody whom a client knows vouches for it: OpenSSL's number and words.
    pub flaw: (u8, String),
    /// What is to be said of it besides; empty for nothing.
    pub note: String,
}

/// What came of a [`NetRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NetAnswer {
    /// An HTTP answer.
    Http {
        /// The status code.
        status: u16,
        /// The headers, in order.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// An answer of DNS.
    Dns {
        /// The server that was asked: `10.96.0.10`; empty where there is none to ask.
        server: String,
        /// `NOERROR`, `NXDOMAIN`, `SERVFAIL`.
        code: String,
        /// The records.
        records: Vec<DnsRecord>,
        /// Who says that there are none.
        authority: Vec<DnsRecord>,
        /// The name that was found or asked for last, after the search list.
        name: String,
    },
    /// The other side speaks TLS and shows this.
    Certificate(Certificate),
    /// What came back through a connection.
    Text(String),
    /// The connection opened.
    Connected,
    /// The echo came back.
    Pong,
    /// The machine with this address did not pass it on any more.
    Expired(String),
    /// Nobody listens there, or a rule refused it.
    Refused,
    /// The other side went away before it answered.
    Reset,
    /// No machine has that address.
    Unreachable,
    /// Nothing came back in time.
    Timeout,
}

/// What a program of the machine printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MachineAnswer {
    /// To its standard output.
    pub out: String,
    /// To its standard error.
    pub err: String,
    /// Its exit code.
    pub code: i32,
}

impl MachineAnswer {
    /// Makes an answer that went well.
    pub fn ok(out: impl Into<String>) -> MachineAnswer {
        MachineAnswer { out: out.into(), ..MachineAnswer::default() }
    }

    /// Makes an answer that failed.
    pub fn failed(code: i32, err: impl Into<String>) -> MachineAnswer {
        MachineAnswer { err: err.into(), code, ..MachineAnswer::default() }
    }
}

/// A program of the machine that waits for something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MachineWait {
    /// When it looks again.
    pub until: Time,
    /// Where it is, by a name of its own.
    pub phase: &'static str,
    /// Since when it is there.
    pub since: Time,
}

/// All that the shell can reach of the world. Whoever composes the cluster implements it.
pub trait Host {
    /// Returns the moment that it is.
    fn now(&self) -> Time;

    /// Sends a request to the API server.
    ///
    /// # Errors
    /// The text that kubectl prints where the server can't be reached from there.
    fn request(&mut self, place: &Place, request: Request) -> Result<Response, String>;

    /// Takes the next thing out of a stream that a request's answer named.
    fn stream_read(&mut self, stream: u64) -> StreamRead;

    /// Writes to the standard input of the process behind a stream.
    fn stream_write(&mut self, stream: u64, text: &str);

    /// Closes a stream.
    fn stream_close(&mut self, stream: u64);

    /// Opens a port of the machine that leads to a port of the pod that a stream is for. Returns its
    /// number, which is the machine's choice for 0; `None` where it is taken.
    fn listen(&mut self, place: &Place, stream: u64, local: u16, remote: u16) -> Option<u16> {
        let _ = (place, stream, local, remote);
        None
    }

    /// Opens a port of the machine that leads to the API server as a user; paths there begin with a prefix.
    /// Returns a stream that ends with it, and the port's number, which is the machine's choice for 0; `None`
    /// where it is taken.
    fn serve_api(&mut self, place: &Place, user: &User, local: u16, prefix: &str) -> Option<(u64, u16)> {
        let _ = (place, user, local, prefix);
        None
    }

    /// Returns the kubeconfig of a place.
    fn kubeconfig(&mut self, place: &Place) -> Config;

    /// Keeps a changed kubeconfig.
    fn set_kubeconfig(&mut self, place: &Place, config: Config);

    /// Reads a file by its absolute path.
    ///
    /// # Errors
    /// Why it can't be read.
    fn read_file(&mut self, place: &Place, path: &str) -> Result<String, FileError>;

    /// Writes a file by its absolute path.
    ///
    /// # Errors
    /// Why it can't be written.
    fn write_file(&mut self, place: &Place, path: &str, text: &str) -> Result<(), FileError>;

    /// Returns the names in a folder in order, those of folders with a `/` at the end.
    ///
    /// # Errors
    /// [`FileError::NotDirectory`] for a file.
    fn list_dir(&mut self, place: &Place, path: &str) -> Result<Vec<String>, FileError>;

    /// Makes a folder.
    ///
    /// # Errors
    /// Why it can't be made.
    fn make_dir(&mut self, place: &Place, path: &str) -> Result<(), FileError>;

    /// Takes out a file, or a folder with all that is in it.
    ///
    /// # Errors
    /// Why it can't be taken out.
    fn remove(&mut self, place: &Place, path: &str) -> Result<(), FileError>;

    /// Sends something through the network. Returns the exchange's number.
    fn connect(&mut self, place: &Place, request: NetRequest) -> u64;

    /// Sends something over the connection of an earlier exchange, or over a new one where that is closed.
    fn connect_again(&mut self, place: &Place, earlier: u64, request: NetRequest) -> u64 {
        let _ = earlier;
        self.connect(place, request)
    }

    /// Takes what came of an exchange, once something has.
    fn exchange(&mut self, id: u64) -> Option<NetAnswer>;

    /// Gives up an exchange.
    fn abandon(&mut self, id: u64);

    /// Returns what a process finds out about a place.
    fn facts(&mut self, place: &Place) -> Facts;

    /// Returns the machine that `ssh NAME` reaches: a node's name or address.
    ///
    /// # Errors
    /// ssh's words: `ssh: connect to host node-2 port 22: Connection timed out`.
    fn ssh(&mut self, from: &Place, target: &str) -> Result<Place, String>;

    /// Returns whether a machine runs.
    fn is_up(&mut self, place: &Place) -> bool {
        let _ = place;
        true
    }

    /// Returns how often a packet may still be passed on when it comes here from an address.
    fn ttl(&mut self, place: &Place, address: &str) -> u8 {
        let _ = (place, address);
        64
    }

    /// Returns why nothing can come back from an address there, in our words.
    fn unreachable(&mut self, place: &Place, address: &str) -> Option<String> {
        let _ = (place, address);
        None
    }

    /// Begins to capture what passes an interface of a place; `any` is all of them. Returns the capture's
    /// number, under which it can be waited for like a stream.
    ///
    /// # Errors
    /// Why it can't, in tcpdump's words.
    fn capture(&mut self, place: &Place, interface: &str, filter: &str) -> Result<u64, String> {
        let _ = (place, filter);
        Err(format!("{interface}: No such device exists"))
    }

    /// Takes what was captured by now, each with its moment, and tells when the next packet comes, as far
    /// as that is known.
    fn captured(&mut self, capture: u64, is_numeric: bool) -> (Vec<(Time, String)>, Option<Time>) {
        let _ = (capture, is_numeric);
        (Vec::new(), None)
    }

    /// Ends a capture. Returns how many packets its filter took, and how many of them were lost.
    fn capture_end(&mut self, capture: u64) -> (u64, u64) {
        let _ = capture;
        (0, 0)
    }

    /// Opens a port of a place for one who listens, and answers whoever comes with a text. Returns a
    /// stream of what comes; `None` where the port is taken.
    fn hear(&mut self, place: &Place, is_udp: bool, port: u16, answer: &str) -> Option<u64> {
        let _ = (place, is_udp, port, answer);
        None
    }

    /// Returns the hardware address of whoever answers on a place's segment for an address.
    fn who_has(&mut self, place: &Place, address: &str) -> Option<String> {
        let _ = (place, address);
        None
    }

    /// Runs a program that is the machine's own and not the shell's: `iptables-save`, `microk8s`,
    /// `vagrant`, `redis-cli` and the like. `None` where there is no such program.
    fn machine(&mut self, place: &Place, argv: &[String], stdin: &str) -> Option<MachineAnswer>;

    /// Returns when the program that was run last goes on, and where it is then; `None` where it has ended.
    fn machine_wait(&mut self) -> Option<MachineWait> {
        None
    }

    /// Goes on with a program of the machine's that has waited, from where it was.
    fn machine_again(&mut self, place: &Place, argv: &[String], wait: &MachineWait) -> MachineAnswer {
        let _ = (place, argv, wait);
        MachineAnswer::default()
    }

    /// Returns the manifests behind a URL that courses fetch from; `None` for every other URL, for
    /// nothing outside the page is asked for anything.
    fn known_url(&mut self, url: &str) -> Option<String> {
        let _ = url;
        None
    }

    /// Opens a file in the page's editor. Returns whether there is one.
    fn edit_file(&mut self, path: &str) -> bool;
}
