import Model

extension LanguageReference {
    /// docs/LANGUAGE.md.
    public var markdown: String {
        var text = LanguageReference.opening
        text += grammar
        for section in sections {
            text += "\n## \(section.title)\n\n\(section.introduction)\n"
            for entry in section.entries { text += markdown(entry, in: section) }
        }
        text +=
            "\n## Diagnostics\n\nWhat `harness lint` and every other verb says of a file, by its id.\n\n| id | meaning |\n| --- | --- |\n"
        for id in Diagnostic.ID.allCases { text += "| `\(id.rawValue)` | \(LanguageReference.meaning(of: id)) |\n" }
        return text
    }

    private static let opening = """
        # The scenario language

        This page is written by `make reference` from the table that the parser reads by, and a test holds the two equal. Every
        example on it is run by the tests.

        A scenario is one test of an init: first what there is, then what happens and what must be so.

            # The seeds of many outages: PID 1 gets the signal, its services don't.
            scenario "services stop in reverse order of start"
              tags order, stop
              requires supervision, ordering
              service db
                ready after 50ms
                stop takes 200ms
              service api after db

              start
              expect db, api ready within 5s
              stop
              expect api stopped before db
              expect nobody killed
              expect exit 0

        ## Lines and words

        - One line says one thing. What is indented under a line is its block, if it has one; spaces or tabs, but the lines of a
          block alike. There are at most 16 blocks in each other.
        - Words are separated by white space. A word with white space, quotes or a `#` at its beginning is in quotes: in `"…"`
          the escapes `\\n`, `\\t`, `\\r`, `\\"` and `\\\\` stand for what they do in C, any other backslash for itself; in `'…'`
          everything stands for itself. Quotes may begin inside a word, as in a shell.
        - `#` at the beginning of a word starts a comment, to the end of the line. The comment right above a scenario is its
          description. A line of a file's text (`| …`) has no comments; blank lines and comments between such lines are not
          part of the text.
        - A list is separated by commas, with or without spaces.
        - A scenario has at most 1000 services, of 200 lines each, and 1000 volumes, tmpfs and files in all.
        - A file is UTF-8, with or without byte order mark, 64 MiB at most. Lines end with LF or CR LF, the last one may end with
          neither. In a file whose first line ends with LF, a CR at the end of a `| ` line belongs to the text.
        - An unknown word is an error, with the nearest known one; nothing that is accepted is ignored. Every error of a file is
          told in one go.
        - `harness fmt` brings a file into canonical form: two spaces for each block, one spelling of each value, a blank line before
          the first step and between scenarios. Comments stay.

        """

    // MARK: - Grammar

    /// The grammar in EBNF: words in quotes, values in capitals.
    private var grammar: String {
        var text =
            "\n## Grammar\n\nEBNF: `{ }` any number of times, `[ ]` or not at all. A block is between INDENT and DEDENT.\n\n"
        let rules = [
            ("file", "{ scenario }"),
            ("scenario", "header NEWLINE INDENT { setup NEWLINE [ block ] } { step NEWLINE [ block ] } DEDENT"),
            (
                "block",
                "INDENT { behaviour NEWLINE } DEDENT (of a service) | INDENT { \"|\" characters NEWLINE } DEDENT (of a file)"
            ),
            ("", "| INDENT { step NEWLINE [ block ] } DEDENT (of \"repeat\" and \"sweep\")"),
        ]
        for (name, rule) in rules {
            text += "    \(padded(name)) \(name.isEmpty ? " " : "=") \(rule)\n"
        }
        for section in sections.dropLast() {
            for (index, entry) in section.entries.enumerated() {
                text +=
                    "    \(padded(index == 0 ? section.symbol : "")) \(index == 0 ? "=" : "|") \(entry.production)\n"
            }
        }
        let used = Set(sections.dropLast().flatMap(\.entries).flatMap(\.slots))
        text += "\n"
        for slot in Slot.allCases where used.contains(slot) || [.regularExpression, .word].contains(slot) {
            text += "    \(padded(slot.rawValue)) = \(slot.production)\n"
        }
        text += "    \(padded("quoted")) = '\"' characters and escapes '\"' | \"'\" characters \"'\"\n"
        return text
    }

    private func padded(_ name: String) -> String { name + String(repeating: " ", count: max(0, 14 - name.count)) }

    // MARK: - Entries

    private func markdown(_ entry: Entry, in section: Section) -> String {
        var text = "\n### `\(entry.pattern)`\n\n\(entry.meaning)\n"
        var facts: [String] = []
        if let otherwise = entry.otherwise { facts.append("Without it: \(otherwise).") }
        var seen: [Slot] = []
        for slot in entry.slots where !seen.contains(slot) { seen.append(slot) }
        let values = seen.filter { ![.question, .condition].contains($0) }.map { "`\($0.rawValue)` \($0.phrase)" }
        if !values.isEmpty { facts.append("Values: \(values.joined(separator: "; ")).") }
        if !entry.errors.isEmpty { facts.append("Errors: \(entry.errors.joined(separator: ", ")).") }
        if !facts.isEmpty { text += "\n" + facts.map { "- \($0)\n" }.joined() }
        if entry.example.hasPrefix("see ") {
            text += "\nAn example: \(entry.example).\n"
        } else if !entry.example.isEmpty {
            text +=
                "\n"
                + entry.example.split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.isEmpty ? "\n" : "    \($0)\n" }.joined()
        }
        return text
    }
}
