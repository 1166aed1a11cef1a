//! What an operator does: writes a configuration, starts the program, looks at what it says.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The public address in the configuration. Nobody listens there.
pub(crate) const PUBLIC_URL: &str = "http://messenger.test.example";
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a configuration.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
}

impl Place {
    /// A configuration with a server of its own, on a free port, and `more` behind it.
    pub(crate) fn new(more: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let place = Self { folder };
        let data = place.path("data");
        place.write(
            "rohrpost.toml",
            &format!(
                "[server]\nname = \"test.example\"\npublic_url = \"{PUBLIC_URL}\"\ndata_dir = \"{}\"\n\
                 [password]\nargon2_memory_kib = 8\nargon2_iterations = 1\n{more}",
                data.display()
            ),
        );
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("it is written");
    }

    /// The program with the configuration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(arguments);
        command
            .arg("--config")
            .arg(self.path("rohrpost.toml"))
            .current_dir(self.folder.path());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the program starts")
    }

    /// Runs a command that must go well; answers what it says.
    pub(crate) fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (said, complained) = texts(&output);
        assert!(output.status.success(), "{arguments:?}: {said}{complained}");
        said
    }

    /// Runs a command that must fail; answers what it complains of.
    pub(crate) fn bad(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (said, complained) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}{complained}");
        complained
    }

    /// Starts the server and waits until it is up.
    pub(crate) fn serve(&self) -> Serving {
        let out = File::create(self.path("out.txt")).expect("a file");
        let err = File::create(self.path("err.txt")).expect("a file");
        let child = self
            .command(&["serve"])
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("the program starts");
        let mut serving = Serving {
            child,
            said: String::new(),
            log: self.path("err.txt"),
            ended: false,
        };
        serving.until_logged("the server is running");
        serving.said = fs::read_to_string(self.path("out.txt")).expect("what it said");
        serving
    }
}

/// The program without a configuration.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rohrpost"));
    command.args(arguments);
    command
}

/// Standard output and standard error.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// A running server, killed with this value.
pub(crate) struct Serving {
    child: Child,
    /// What it said on standard output when it started.
    pub(crate) said: String,
    log: PathBuf,
    ended: bool,
}

impl Serving {
    /// The address behind `listening on`, for whom it is meant.
    pub(crate) fn address(&self, for_whom: &str) -> String {
        let line = self.said.lines().find(|line| line.ends_with(for_whom));
        let line = line.unwrap_or_else(|| panic!("no address for {for_whom} in {}", self.said));
        let (_, address) = line.split_once("//").expect("an address");
        address.split([' ', '/']).next().expect("an address").to_owned()
    }

    pub(crate) fn until_logged(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            if log.contains(text) {
                return;
            }
            let ended = self.child.try_wait().expect("it can be looked at");
            assert!(
                ended.is_none() && Instant::now() < until,
                "no \"{text}\" ({ended:?}): {log}"
            );
            sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(id, signal).expect("it is running");
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be looked at") {
                self.ended = true;
                return status;
            }
            assert!(Instant::now() < until, "it doesn't end");
            sleep(Duration::from_millis(10));
        }
    }

    /// Stops it in order.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        assert!(self.end().success());
    }

    /// A request to the client listener; answers status and JSON.
    pub(crate) fn call(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
        let answer = ask(&self.address("for people"), method, path, token, body);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
        let status = head
            .split(' ')
            .nth(1)
            .expect("a status")
            .parse()
            .expect("a number");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// One request; answers everything that comes back.
pub(crate) fn ask(address: &str, method: &str, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it answers");
    let authorization = if token.is_empty() {
        String::new()
    } else {
        format!("authorization: Bearer {token}\r\n")
    };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{authorization}\r\n{body}"
    );
    stream
        .write_all(request.as_bytes())
        .expect("the request is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer comes");
    answer
}
