//! A real browser without a window, which says what it makes of a page.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::skipped::skip;

/// Programs that are the same browser.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// What a page says of how it wants to look in the dark.
const DARK: &str = "(prefers-color-scheme: dark)";

/// The policy of a page, which would keep the questions from being asked.
const POLICY: &str = "<meta http-equiv=\"Content-Security-Policy\"";

/// A browser of this machine.
pub struct Browser(&'static str);

impl Browser {
    /// The browser, or `None` and a printed reason where none is installed.
    pub fn find() -> Option<Self> {
        let works = |program: &&str| {
            let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            version.is_ok_and(|status| status.success())
        };
        let found = PROGRAMS.into_iter().find(works);
        if found.is_none() {
            skip(&format!("no browser is installed (one of {})", PROGRAMS.join(", ")));
        }
        found.map(Self)
    }

    /// The value of a JavaScript expression, in a copy of the page that it shows by day or in the dark.
    pub fn ask(&self, page: &Path, dark: bool, expression: &str) -> Value {
        let value = self.evaluate(page, dark, false, expression);
        let is_dark = |value: &Value| value["dark"] == dark;
        // Some versions cannot be told how the user wants pages to look.
        let value = if is_dark(&value) { value } else { self.evaluate(page, dark, true, expression) };
        value["value"].clone()
    }

    /// Evaluates in a copy of the page; with `rewrite`, the copy does not ask how the user wants pages to look.
    fn evaluate(&self, page: &Path, dark: bool, rewrite: bool, expression: &str) -> Value {
        let dir = tempfile::tempdir().unwrap();
        let mut text = fs::read_to_string(page).unwrap();
        let policy = text.find(POLICY).unwrap_or_else(|| panic!("the page has no policy:\n{text}"));
        let end = policy + text[policy..].find('\n').unwrap();
        text.replace_range(policy..end, "");
        if rewrite {
            text = text.replace(DARK, if dark { "all" } else { "not all" });
        }
        let question = format!(
            "<script>const probe = document.createElement('pre'); probe.id = 'probe'; probe.textContent = \
             JSON.stringify({{dark: matchMedia('{DARK}').matches, value: {expression}}}); document.body.append(probe);\
             </script>\n</body>"
        );
        let copy = dir.path().join("copy.html");
        fs::write(&copy, text.replace("</body>", &question)).unwrap();
        let mut command = Command::new(self.0);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        command.arg("--window-size=1280,900");
        command.arg(format!("--user-data-dir={}", dir.path().join("profile").display()));
        command.arg(format!("--blink-settings=preferredColorScheme={}", i32::from(!dark)));
        command.arg("--dump-dom").arg(format!("file://{}", copy.display()));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let dom = String::from_utf8_lossy(&output.stdout);
        let answer = dom.split_once("<pre id=\"probe\">").and_then(|(_, rest)| rest.split_once("</pre>"));
        let (answer, _) = answer.unwrap_or_else(|| {
            panic!("no answer from {command:?}:\n{dom}\n{}", String::from_utf8_lossy(&output.stderr))
        });
        serde_json::from_str(&answer.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap()
    }
}
