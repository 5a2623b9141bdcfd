/// The command line of a verb that reads files and runs nothing: `lint`, `fmt`, `list`.
struct FileOptions {
    /// Words that do not begin with `-`, and `-` itself.
    var paths: [String] = []
    /// Options without a value that were given.
    private(set) var flags: Set<String> = []
    /// The values of the others, in their order.
    private(set) var values: [String: [String]] = [:]

    /// - Parameters:
    ///   - flags: options of the verb that take no value.
    ///   - valued: options that take one.
    init(
        _ arguments: [String], of verb: String, flags known: Set<String> = [], valued: Set<String> = []
    ) throws(RunOptions.BadUsage) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                paths += rest
                break
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                paths.append(argument)
                continue
            }
            // `--name=value` is `--name value`.
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            if known.contains(name) {
                if parts.count > 1 { throw RunOptions.BadUsage(message: "\(name) takes no value") }
                flags.insert(name)
            } else if valued.contains(name) {
                guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else {
                    throw RunOptions.BadUsage(message: "\(name) takes a value")
                }
                values[name, default: []].append(value)
            } else {
                let options = known.union(valued).sorted().joined(separator: " ")
                throw RunOptions.BadUsage(
                    message: "'\(name)' is not an option of \(verb)\(options.isEmpty ? "" : "; it has \(options)")")
            }
        }
    }

    /// The last value of `--format`, one of these; the first where there is none.
    func format(_ formats: String...) throws(RunOptions.BadUsage) -> String {
        guard let format = values["--format"]?.last else { return formats[0] }
        guard formats.contains(format) else {
            throw RunOptions.BadUsage(message: "--format is \(formats.joined(separator: ", ")), not '\(format)'")
        }
        return format
    }
}
