import Harness

/// The command line of a verb that reads files and runs nothing: `lint`, `fmt`, `list`.
struct FileOptions: Sendable {
    /// Words that do not begin with `-`, and `-` itself.
    var paths: [String] = []
    var isStrict = false
    var isCheck = false
    var format = "human"
    var tags: [[String]] = []
    var filters: [String] = []

    static func table(_ verb: String, _ options: [Option<FileOptions>]) -> OptionTable<FileOptions> {
        OptionTable(
            verb: verb, options: options,
            operand: { (options, word) throws(BadUsage) in options.paths.append(word) })
    }

    static let lint = table(
        "lint",
        [
            Option("--strict", flag: "a warning is an error") { $0.isStrict = true },
            format("human", "json", "github"),
        ])

    static let fmt = table(
        "fmt", [Option("--check", flag: "change nothing, and name the files that would change") { $0.isCheck = true }])

    static let list = table(
        "list",
        [
            Option(
                "--tag", takes: "TAG,…",
                "only scenarios with one of these tags; of several such options, with one of each"
            ) {
                (options, text) throws(BadUsage) in options.tags.append(try Values.names("--tag", text, "a tag"))
            },
            Option(
                "--filter", takes: "TEXT",
                "only scenarios whose title contains this, in upper or lower case; of several, any of them"
            ) {
                $0.filters.append($1)
            },
            format("human", "json"),
        ])

    private static func format(_ names: String...) -> Option<FileOptions> {
        Option("--format", takes: names.joined(separator: "|"), choices: names, "what is printed (default: human)") {
            $0.format = $1
        }
    }

    init(_ arguments: [String], _ table: OptionTable<FileOptions>) throws(BadUsage) {
        try table.read(arguments, into: &self)
    }
}
