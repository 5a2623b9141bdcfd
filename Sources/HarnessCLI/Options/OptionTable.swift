import Harness

/// A command line that is not understood, and why.
struct BadUsage: Error {
    let message: String
}

/// What is said of an option, whatever it is an option of: for help, completions and the manual.
struct OptionText: Sendable {
    /// `--init`; a short one after the long one.
    let names: [String]
    /// What its value is called; nil: it has none.
    let value: String?
    /// The values that there are, where they can be listed.
    let choices: [String]
    /// In a sentence without its full stop.
    let meaning: String
}

/// An option, and what it does to the settings of its verb.
struct Option<Settings>: Sendable {
    let text: OptionText
    let apply: @Sendable (inout Settings, String) throws(BadUsage) -> Void

    private init(
        text: OptionText, apply: @escaping @Sendable (inout Settings, String) throws(BadUsage) -> Void
    ) {
        (self.text, self.apply) = (text, apply)
    }

    /// One that takes a value.
    init(
        _ names: String..., takes value: String, choices: [String] = [], _ meaning: String,
        apply: @escaping @Sendable (inout Settings, String) throws(BadUsage) -> Void
    ) {
        text = OptionText(names: names, value: value, choices: choices, meaning: meaning)
        self.apply = apply
    }

    /// One that takes none.
    init(
        _ names: String..., flag meaning: String,
        apply: @escaping @Sendable (inout Settings) throws(BadUsage) -> Void
    ) {
        text = OptionText(names: names, value: nil, choices: [], meaning: meaning)
        self.apply = { (settings, _) throws(BadUsage) in try apply(&settings) }
    }
}

extension Option {
    /// The same as an option of what has these settings in it.
    func within<Outer>(_ path: any WritableKeyPath<Outer, Settings> & Sendable) -> Option<Outer> {
        let apply = apply
        return Option<Outer>(text: text) { (settings, value) throws(BadUsage) in
            try apply(&settings[keyPath: path], value)
        }
    }

    /// One of which the names are in a list; its value's name is nil where it takes none.
    init(
        names: [String], takes value: String?, _ meaning: String,
        apply: @escaping @Sendable (inout Settings, String) throws(BadUsage) -> Void
    ) {
        text = OptionText(names: names, value: value, choices: [], meaning: meaning)
        self.apply = apply
    }
}

/// The options of a verb.
struct OptionTable<Settings>: Sendable {
    let verb: String
    let options: [Option<Settings>]
    /// Takes a word that is no option.
    var operand: @Sendable (inout Settings, String) throws(BadUsage) -> Void
    /// Takes what comes after `--`; nil: operands.
    var afterDashes: (@Sendable (inout Settings, [String]) throws(BadUsage) -> Void)?

    /// Reads `--name value`, `--name=value`, `-n value`, `-nvalue` and `-it`.
    ///
    /// - Parameter place: what goes before a complaint: the file and line that the words are from.
    func read(_ arguments: [String], into settings: inout Settings, place: String = "") throws(BadUsage) {
        do throws(BadUsage) {
            try readAll(arguments, into: &settings)
        } catch {
            throw place.isEmpty ? error : BadUsage(message: "\(place): \(error.message)")
        }
    }

    private func readAll(_ arguments: [String], into settings: inout Settings) throws(BadUsage) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                if let afterDashes {
                    try afterDashes(&settings, Array(rest))
                } else {
                    for word in rest { try operand(&settings, word) }
                }
                return
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                try operand(&settings, argument)
                continue
            }
            if argument.hasPrefix("--") {
                let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                    String.init)
                try apply(parts[0], parts.count > 1 ? parts[1] : nil, &rest, &settings)
            } else {
                try applyLetters(argument, &rest, &settings)
            }
        }
    }

    /// `-i`, `-it`, `-eNAME=value`.
    private func applyLetters(
        _ argument: String, _ rest: inout ArraySlice<String>, _ settings: inout Settings
    ) throws(BadUsage) {
        var letters = argument.dropFirst()
        while let letter = letters.popFirst() {
            let name = "-\(letter)"
            guard let option = option(name) else {
                throw unknown(letters.isEmpty && argument.count == 2 ? argument : argument)
            }
            if option.text.value == nil {
                try option.apply(&settings, "")
            } else {
                let value =
                    letters.isEmpty ? rest.popFirst() : String(letters.first == "=" ? letters.dropFirst() : letters)
                guard let value else { throw BadUsage(message: "\(name) takes \(wanted(option))") }
                return try option.apply(&settings, value)
            }
        }
    }

    private func apply(
        _ name: String, _ given: String?, _ rest: inout ArraySlice<String>, _ settings: inout Settings
    ) throws(BadUsage) {
        guard let option = option(name) else { throw unknown(name) }
        if option.text.value == nil {
            if given != nil { throw BadUsage(message: "\(name) takes no value") }
            return try option.apply(&settings, "")
        }
        guard let value = given ?? rest.popFirst() else { throw BadUsage(message: "\(name) takes \(wanted(option))") }
        if !option.text.choices.isEmpty, !option.text.choices.contains(value), option.text.isClosed {
            throw BadUsage(
                message: "\(name) is \(OptionTable.list(option.text.choices)), not '\(value)'"
                    + hint(value, option.text.choices))
        }
        try option.apply(&settings, value)
    }

    private func option(_ name: String) -> Option<Settings>? { options.first { $0.text.names.contains(name) } }

    private func wanted(_ option: Option<Settings>) -> String {
        option.text.isClosed && !option.text.choices.isEmpty
            ? OptionTable.list(option.text.choices) : option.text.value.map { "a value: \($0)" } ?? "a value"
    }

    private func unknown(_ name: String) -> BadUsage {
        BadUsage(
            message: "'\(name)' is not an option of \(verb)" + hint(name, options.flatMap(\.text.names))
                + "; `harness help \(verb)` lists them")
    }

    private func hint(_ word: String, _ known: [String]) -> String {
        nearestWord(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
    }

    static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}

extension OptionText {
    /// Its value must be one of the choices: what is in capitals stands for anything.
    var isClosed: Bool { value.map { $0.contains("|") && !$0.contains { $0.isUppercase } } ?? false }

    /// `--init NAME|FILE`
    var usage: String { names.joined(separator: ", ") + (value.map { " \($0)" } ?? "") }
}

/// What a verb is: for help, completions and the manual.
struct Verb: Sendable {
    let name: String
    /// What goes after its name, in short.
    let usage: String
    /// In one line.
    let summary: String
    /// A few sentences.
    let about: String
    let options: [OptionText]
    /// A command line without `harness`, and what it does.
    let examples: [(command: String, does: String)]
    /// The files that it takes end so; for completions.
    var suffixes: [String] = []
    let run: @Sendable ([String]) -> Int32
}
