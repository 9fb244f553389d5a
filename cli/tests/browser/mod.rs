//! A real browser without windows, driven as a person would: with a mouse and keys.
//!
//! It talks by two pipes, in messages that end with a zero (Chromium's `--remote-debugging-pipe`).

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The programs that may be there, best first.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub struct Browser {
    process: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What it has told without being asked.
    events: Vec<Value>,
    /// The mouse.
    at: (f64, f64),
    _profile: TempDir,
}

/// A browser that is installed, if one is; in CI there is one.
pub fn find() -> Option<&'static str> {
    let has = |name: &&str| {
        let asked = Command::new(name).arg("--version").stderr(Stdio::null()).output();
        asked.is_ok_and(|output| output.status.success())
    };
    let found = NAMES.into_iter().find(has);
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "`chromium` is missing");
        eprintln!("*** SKIPPED: `chromium` is missing ***");
    }
    found
}

impl Browser {
    /// Starts a browser with a window of this size.
    pub fn start(name: &str, width: u32, height: u32) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        // It reads from number 3 and writes to number 4.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, "sh", name])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={width},{height}"))
            .args(["--remote-debugging-pipe", "about:blank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|bytes| bytes > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let (events, at) = (Vec::new(), (0.0, 0.0));
        let mut browser = Browser {
            process,
            commands,
            messages,
            session: None,
            last: 0,
            events,
            at,
            _profile: profile,
        };
        // The one that it began with: others are in the background, and not drawn.
        let start = Instant::now();
        let target = loop {
            let found = browser.ask("Target.getTargets", json!({}));
            let pages = found["targetInfos"].as_array().unwrap();
            if let Some(page) = pages.iter().find(|target| target["type"] == "page") {
                break page["targetId"].clone();
            }
            assert!(start.elapsed() < PATIENCE, "no page: {found}");
        };
        let attach = json!({ "targetId": target, "flatten": true });
        let attached = browser.ask("Target.attachToTarget", attach);
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_string());
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.ask("Emulation.setDeviceMetricsOverride", metrics);
        browser
    }

    /// Sends a command, and returns the answer to it.
    #[track_caller]
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&command).unwrap();
        bytes.push(0);
        self.commands.write_all(&bytes).unwrap();
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let mut message = message.unwrap_or_else(|_| panic!("no answer to {command}"));
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{command}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// Opens a file, at a place in it, and waits for its script to show something.
    #[track_caller]
    pub fn open(&mut self, path: &Path, place: &str) {
        // Otherwise only the place would change.
        self.ask("Page.navigate", json!({ "url": "about:blank" }));
        let url = format!("file://{}{place}", path.display());
        self.ask("Page.navigate", json!({ "url": url }));
        self.wait_for("document.body?.dataset?.ready !== undefined");
    }

    /// The value of an expression.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.ask("Runtime.evaluate", parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// The texts of all elements that fit a selector.
    #[track_caller]
    pub fn texts(&mut self, selector: &str) -> Vec<String> {
        let found = self.value(&format!(
            "[...document.querySelectorAll({})].map((element) => element.textContent)",
            json!(selector)
        ));
        serde_json::from_value(found).unwrap()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait_for(&mut self, expression: &str) {
        let start = Instant::now();
        while self.value(expression) != json!(true) {
            assert!(start.elapsed() < PATIENCE, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Moves the mouse to the middle of the first element that fits a selector and has this text in it.
    #[track_caller]
    pub fn point_at(&mut self, selector: &str, text: &str) {
        let place = self.value(&format!(
            "(() => {{ const all = [...document.querySelectorAll({})];
                const found = all.find((element) => element.textContent.includes({}));
                const place = found?.getBoundingClientRect();
                return place && [place.left + Math.min(40, place.width / 2), place.top + place.height / 2]; }})()",
            json!(selector),
            json!(text)
        ));
        let (x, y) = serde_json::from_value::<(f64, f64)>(place)
            .unwrap_or_else(|_| panic!("no `{selector}` with `{text}`"));
        self.at = (x, y);
        self.mouse("mouseMoved", 0);
    }

    /// Clicks where the mouse is.
    pub fn click(&mut self) {
        self.mouse("mousePressed", 1);
        self.mouse("mouseReleased", 1);
    }

    fn mouse(&mut self, kind: &str, clicks: u32) {
        let (x, y) = self.at;
        let button = if clicks == 0 { "none" } else { "left" };
        let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": clicks });
        self.ask("Input.dispatchMouseEvent", event);
    }

    /// Presses a key by its name, or one that writes a character.
    pub fn press(&mut self, key: &str) {
        let codes = [
            ("Enter", 13),
            ("Escape", 27),
            ("Backspace", 8),
            ("ArrowUp", 38),
            ("ArrowDown", 40),
            ("ArrowLeft", 37),
            ("ArrowRight", 39),
            ("End", 35),
            ("Home", 36),
        ];
        let code = codes.iter().find(|(name, _)| *name == key).map_or(0, |&(_, code)| code);
        let mut event = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if code == 0 {
            event["text"] = json!(key);
        }
        self.ask("Input.dispatchKeyEvent", event);
        let event = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.ask("Input.dispatchKeyEvent", event);
    }

    /// Checks that nothing was fetched but files, and that no script failed.
    #[track_caller]
    pub fn is_content(&mut self) {
        self.value("0");
        for event in &self.events {
            let text = event.to_string();
            match event["method"].as_str() {
                Some("Network.requestWillBeSent") => {
                    let url = event["params"]["request"]["url"].as_str().unwrap();
                    assert!(url.starts_with("file://") && url.contains(".html"), "{text}");
                }
                Some("Runtime.exceptionThrown" | "Log.entryAdded") => panic!("{text}"),
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
