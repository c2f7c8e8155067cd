//! Neovim: templates for overseer.nvim, and a command that needs no plugin and fills the quickfix list.

use super::problems::ProblemLines;
use super::quote::lua;
use super::{Request, Verb};

/// What follows the values that depend on the request.
const REST: &str = r#"
-- With overseer.nvim: `:OverseerRun`.
local has_overseer, overseer = pcall(require, "overseer")
if has_overseer then
  for name, command in pairs(commands) do
    overseer.register_template({
      name = "minis2i " .. name .. " " .. tag,
      builder = function()
        return {
          cmd = command,
          components = {
            {
              "on_output_quickfix",
              errorformat = errorformat,
              open_on_match = true,
              set_diagnostics = true,
            },
            "default",
          },
        }
      end,
    })
  end
end
"#;

/// The command that needs no plugin.
const BUILD_COMMAND: &str = r#"
-- Without a plugin: `:Minis2iBuild` builds once and fills the quickfix list.
vim.api.nvim_create_user_command("Minis2iBuild", function()
  vim.fn.jobstart(commands.build, {
    stderr_buffered = true,
    on_stderr = function(_, lines)
      -- A compiler may have printed the same line.
      local seen, once = {}, {}
      for _, line in ipairs(lines) do
        if not seen[line] then
          seen[line] = true
          table.insert(once, line)
        end
      end
      vim.fn.setqflist({}, " ", { title = "minis2i build " .. tag, lines = once, efm = errorformat })
      vim.cmd("botright cwindow")
    end,
  })
end, {})
"#;

/// A file for the folder `plugin` of the configuration.
pub fn plugin(request: &Request) -> String {
    let mut text =
        String::from("-- ~/.config/nvim/plugin/minis2i.lua, or `.nvim.lua` in the project with 'exrc' set\n");
    text += &format!("local tag = {}\nlocal commands = {{\n", lua(&request.tag));
    for verb in &request.verbs {
        let words: Vec<String> = request.command_for_editor(*verb).iter().map(|word| lua(word)).collect();
        text += &format!("  {} = {{ {} }},\n", verb.name(), words.join(", "));
    }
    text += "}\nlocal errorformat = table.concat({\n";
    for entry in ProblemLines::of(request).errorformat() {
        text += &format!("  {},\n", lua(&entry.replace(',', "\\,")));
    }
    text += "}, \",\")\n";
    text += REST;
    if request.verbs.contains(&Verb::Build) {
        text += BUILD_COMMAND;
    }
    text
}
