import Harness

/// What the command says of itself.
enum Help {
    static var overview: String {
        let width = (Verb.all.map(\.name.count).max() ?? 0) + 2
        func padded(_ text: String) -> String { text + String(repeating: " ", count: max(1, width - text.count)) }
        return """
            harness: tests any init, as PID 1, on what the kernel saw

            usage: harness VERB [OPTION…]

            \(Verb.all.map { "  " + padded($0.name) + $0.summary }.joined(separator: "\n"))

              harness help VERB   its options, with examples
              harness --version   the version, the kernel, and what it lets this tool see

            \(statuses)

            \(environment)

            """
    }

    static let statuses = """
        exit status: 0 all passed, not applicable or known to fail · 1 a scenario failed, or one that is known to fail passed
          2 usage, or a file that does not parse, or no scenario applied · 3 this machine cannot run it, or a verdict is `error`
          130 interrupted
        """

    static let environment = """
        environment: HARNESS_FAKE_SERVICES the executable of the fakes · NO_COLOR
          XDG_CACHE_HOME, else HOME: where scenario durations and the last failures are kept (harness/durations, harness/failed)
        """

    static func text(of verb: Verb) -> String {
        var text =
            "harness \(verb.name): \(verb.summary)\n\nusage: harness \(verb.name)\(verb.usage.isEmpty ? "" : " " + verb.usage)\n\n"
        text += wrapped(verb.about, indent: 0) + "\n"
        if !verb.options.isEmpty {
            text += "options:\n"
            for option in verb.options {
                let usage = "  \(option.shownUsage)"
                let margin = 24
                if usage.count < margin - 1 {
                    let first = usage + String(repeating: " ", count: margin - usage.count)
                    text += wrapped(option.meaning, indent: margin, first: first)
                } else {
                    text += usage + "\n" + wrapped(option.meaning, indent: margin)
                }
            }
            text += "\n"
        }
        text += "examples:\n"
        for example in verb.examples { text += "  harness \(example.command)\n      \(example.does)\n" }
        return text + (verb.name == "run" ? "\n" + statuses + "\n\n" + environment + "\n" : "")
    }

    private static func wrapped(_ text: String, indent: Int, first: String? = nil) -> String {
        TerminalStyle(width: 110).wrapped(text, indent: indent, first: first)
    }
}

extension OptionText {
    /// A long list of values is in the meaning's line.
    var shownUsage: String {
        guard let value, value.count > 30 else { return usage }
        return names.joined(separator: ", ") + " NAME: " + choices.joined(separator: ", ")
    }
}

/// Completions for shells, from the table of verbs.
enum Completions {
    private static func words(_ verb: Verb) -> String { verb.options.flatMap(\.names).joined(separator: " ") }

    static var bash: String {
        var cases = ""
        for verb in Verb.all where verb.name != "completions" {
            cases += "    \(verb.name)) options=\"\(words(verb)) --help\" ;;\n"
        }
        var values = ""
        var seen: Set<String> = []
        for option in Verb.all.flatMap(\.options) where !option.choices.isEmpty {
            for name in option.names where seen.insert(name).inserted {
                values +=
                    "    \(name)) COMPREPLY=($(compgen -W \"\(option.choices.joined(separator: " "))\" -- \"$word\")); return ;;\n"
            }
        }
        return """
            # bash completion for harness
            _harness() {
              local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=""
              if [ "$COMP_CWORD" -eq 1 ]; then
                COMPREPLY=($(compgen -W "\(Verb.all.map(\.name).joined(separator: " ")) help --version" -- "$word"))
                return
              fi
              case $before in
            \(values)    help) COMPREPLY=($(compgen -W "\(Verb.all.map(\.name).joined(separator: " "))" -- "$word")); return ;;
              esac
              case ${COMP_WORDS[1]} in
            \(cases)    completions) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")); return ;;
              esac
              case $word in
                -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
                *) COMPREPLY=($(compgen -f -- "$word")) ;;
              esac
            }
            complete -o filenames -F _harness harness

            """
    }

    static var zsh: String {
        func quoted(_ text: String) -> String {
            text.replacing("'", with: "'\\''").replacing("[", with: "\\[").replacing("]", with: "\\]").replacing(
                ":", with: "\\:")
        }
        var cases = ""
        for verb in Verb.all {
            let specifications =
                verb.options.flatMap { option in
                    option.names.map { name -> String in
                        let value =
                            option.value == nil
                            ? ""
                            : option.choices.isEmpty
                                ? ":value:_files" : ":value:(\(option.choices.joined(separator: " ")))"
                        return "'*\(name)[\(quoted(option.meaning))]\(value)'"
                    }
                } + ["'*:file:_files'"]
            cases += "    \(verb.name)) _arguments \(specifications.joined(separator: " ")) ;;\n"
        }
        let verbs = Verb.all.map { "'\($0.name):\(quoted($0.summary))'" }.joined(separator: " ")
        return """
            #compdef harness
            _harness() {
              local -a verbs
              verbs=(\(verbs) 'help:options and examples of a verb')
              if (( CURRENT == 2 )); then _describe verb verbs; return; fi
              local verb=$words[2]
              shift words; (( CURRENT-- ))
              case $verb in
            \(cases)    help) _describe verb verbs ;;
              esac
            }
            _harness "$@"

            """
    }

    static var fish: String {
        func quoted(_ text: String) -> String {
            "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
        }
        var text = "# fish completion for harness\n"
        for verb in Verb.all {
            text += "complete -c harness -n __fish_use_subcommand -f -a \(verb.name) -d \(quoted(verb.summary))\n"
            for option in verb.options {
                var line = "complete -c harness -n '__fish_seen_subcommand_from \(verb.name)'"
                for name in option.names {
                    line += name.hasPrefix("--") ? " -l \(name.dropFirst(2))" : " -s \(name.dropFirst())"
                }
                if option.value != nil {
                    line += option.choices.isEmpty ? " -r" : " -x -a \(quoted(option.choices.joined(separator: " ")))"
                }
                text += line + " -d \(quoted(option.meaning))\n"
            }
        }
        return text
    }
}

/// The manual page, from the table of verbs.
enum Manual {
    static var page: String {
        var text =
            ".TH HARNESS 1 \"\" \"harness \(ToolVersion.number)\" \"User Commands\"\n.SH NAME\nharness \\- tests any init, as PID 1, on what the kernel saw\n"
        text += ".SH SYNOPSIS\n"
        for verb in Verb.all { text += ".B harness \(verb.name)\n\(escaped(verb.usage))\n.br\n" }
        for verb in Verb.all {
            text += ".SH \"HARNESS \(verb.name.uppercased())\"\n\(escaped(verb.about))\n"
            for option in verb.options { text += ".TP\n.B \(escaped(option.shownUsage))\n\(escaped(option.meaning))\n" }
            for example in verb.examples {
                text += ".PP\n\(escaped(example.does)):\n.PP\n.nf\n    harness \(escaped(example.command))\n.fi\n"
            }
        }
        text += ".SH \"EXIT STATUS\"\n\(escaped(Help.statuses))\n.SH ENVIRONMENT\n\(escaped(Help.environment))\n"
        return text
    }

    /// What roff would take for its own.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("…", with: "...").replacing(
            "·", with: "\\(bu"
        )
        .split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)" : String(line)
        }.joined(separator: "\n")
    }
}
