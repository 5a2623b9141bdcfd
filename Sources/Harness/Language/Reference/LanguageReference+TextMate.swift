extension LanguageReference {
    /// editors/harness.tmLanguage.json: the grammar for editors that take those of TextMate.
    ///
    /// A template: the words of the language are letters and hyphens, and need no escapes in JSON or in an expression.
    public var textMateGrammar: String {
        let setup = firstWords(of: "header", "setup", "member", "dependency")
        let behaviour = firstWords(of: "behaviour")
        let steps = firstWords(of: "step")
        let first = Set(setup + behaviour + steps)
        let others =
            words.filter { !first.contains($0) } + entries(of: "condition").flatMap(\.words).filter(first.contains)
        let values = Set(Slot.allCases.flatMap(\.choices)).sorted()
        return """
            {
              "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
              "name": "Harness scenario",
              "scopeName": "source.harness",
              "fileTypes": ["scenario"],
              "patterns": [
                {"name": "comment.line.number-sign.harness", "match": "(?:^|(?<=\\\\s))#.*$"},
                {"name": "string.unquoted.block.harness", "match": "^\\\\s*\\\\|.*$"},
                {"name": "string.quoted.double.harness", "begin": "\\"", "end": "\\"|$",
                 "patterns": [{"name": "constant.character.escape.harness", "match": "\\\\\\\\[nrt\\"\\\\\\\\]"}]},
                {"name": "string.quoted.single.harness", "begin": "'", "end": "'|$"},
                {"name": "string.regexp.harness", "match": "(?<=matches )/(?:\\\\\\\\.|[^/\\\\\\\\])+/"},
                {"match": "^(\\\\s*)(service)\\\\s+([A-Za-z0-9_-]+)",
                 "captures": {"2": {"name": "keyword.other.setup.harness"}, "3": {"name": "entity.name.type.service.harness"}}},
                {"match": "^\\\\s*(\(list(setup)))(?![A-Za-z0-9_-])",
                 "captures": {"1": {"name": "keyword.other.setup.harness"}}},
                {"match": "^\\\\s*(\(list(steps)))(?![A-Za-z0-9_-])",
                 "captures": {"1": {"name": "keyword.control.step.harness"}}},
                {"match": "^\\\\s*(\(list(behaviour)))(?![A-Za-z0-9_-])",
                 "captures": {"1": {"name": "support.function.behaviour.harness"}}},
                {"name": "constant.numeric.duration.harness", "match": "(?<![A-Za-z0-9_/-])-?(?:[0-9]+(?:\\\\.[0-9]+)?(?:ns|us|ms|s|m|h))+(?![A-Za-z0-9_])"},
                {"name": "constant.language.signal.harness", "match": "\\\\bSIG[A-Z0-9]+(?:[+-][0-9]+)?"},
                {"name": "constant.numeric.harness", "match": "(?<![A-Za-z0-9_./-])[0-9]+(?![A-Za-z0-9_.])"},
                {"name": "constant.language.harness", "match": "(?<![A-Za-z0-9_-])(?:\(list(values)))(?![A-Za-z0-9_-])"},
                {"name": "keyword.operator.word.harness", "match": "(?<![A-Za-z0-9_/.-])(?:\(list(others)))(?![A-Za-z0-9_/.-])"},
                {"name": "string.unquoted.path.harness", "match": "(?<=\\\\s)/\\\\S+"}
              ]
            }

            """
    }

    private func entries(of symbol: String) -> [Entry] { sections.filter { $0.symbol == symbol }.flatMap(\.entries) }

    private func firstWords(of symbols: String...) -> [String] {
        symbols.flatMap(entries).compactMap(\.words.first)
    }

    /// Alternatives of an expression: longer ones first, since the first that fits is taken.
    private func list(_ words: [String]) -> String {
        Set(words).sorted { ($0.count, $1) > ($1.count, $0) }.joined(separator: "|")
    }
}
