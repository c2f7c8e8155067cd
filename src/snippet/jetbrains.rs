//! The editors of JetBrains: a file of External Tools.

use super::quote::{is_hidden, jetbrains, xml};
use super::{Request, shell};

/// A file for the folder `tools` of the editor's configuration.
pub fn tools(request: &Request) -> String {
    let mut text = String::from("<toolSet name=\"minis2i\">\n");
    for verb in &request.verbs {
        let mut words = request.command_for_editor(*verb);
        // XML cannot hold control characters.
        if words.iter().any(|word| word.contains(is_hidden)) {
            words = shell::program(words);
        }
        let parameters = words[1..].iter().map(|word| jetbrains(word)).collect::<Vec<_>>().join(" ");
        text += &format!(
            "  <tool name=\"{name}\" description=\"{name}\" showInMainMenu=\"true\" showInEditor=\"false\" \
             showInProject=\"false\" showInSearchPopup=\"true\" disabled=\"false\" useConsole=\"true\" \
             showConsoleOnStdOut=\"true\" showConsoleOnStdErr=\"true\" synchronizeAfterRun=\"false\">\n    <exec>\n      \
             <option name=\"COMMAND\" value=\"{command}\" />\n      \
             <option name=\"PARAMETERS\" value=\"{parameters}\" />\n      \
             <option name=\"WORKING_DIRECTORY\" value=\"$ProjectFileDir$\" />\n    </exec>\n  </tool>\n",
            name = xml(&format!("minis2i {} {}", verb.name(), request.tag)),
            command = xml(&words[0]),
            parameters = xml(&parameters),
        );
    }
    text + "</toolSet>\n"
}
