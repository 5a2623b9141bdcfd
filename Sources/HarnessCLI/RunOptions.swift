import Harness

/// The command line of `harness run`, read.
struct RunOptions {
    var paths: [String] = []
    var inits: [String] = []
    var command: [String]?
    /// Whose rules containers are driven by; nil: as each scenario says.
    var runtimes: [Runtime?] = [nil]
    /// Only where runtimes make a difference.
    var compares = false
    var filter: String?
    var tags: [String] = []
    var jobs: Int?
    var repetitions = 1
    var speed = 1.0
    var format = Format.human
    var output: String?
    var isVerbose = false
    var isQuiet = false
    var usesColour = true
    var usesTrace = true

    enum Format: String, CaseIterable {
        case human, json, markdown
    }

    /// A command line that is not understood, and why.
    struct BadUsage: Error {
        let message: String
    }

    private static let known = [
        "--init", "--runtime", "--compare", "--filter", "--tag", "--jobs", "--repeat", "--speed", "--format",
        "--output",
        "--verbose", "--quiet",
        "--no-color",
        "--no-trace",
    ]

    init(_ arguments: [String]) throws(BadUsage) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else {
                paths.append(argument)
                continue
            }
            if argument == "--" {
                command = Array(rest)
                if rest.isEmpty { throw BadUsage(message: "no command stands behind '--'") }
                break
            }
            // `--name=value` is `--name value`.
            let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2, parts[0].hasPrefix("--") { rest = [parts[1]] + rest }
            try apply(parts[0], hasValue: parts.count == 2, &rest)
        }
        if compares {
            if format != .human { throw BadUsage(message: "--compare is for people: leave out --format") }
            if runtimes == [nil] { runtimes = Array(Runtime.allCases) }
        }
    }

    private mutating func apply(_ name: String, hasValue: Bool, _ rest: inout ArraySlice<String>) throws(BadUsage) {
        if hasValue, ["--verbose", "--quiet", "--no-color", "--no-trace", "--compare"].contains(name) {
            throw BadUsage(message: "\(name) takes no value")
        }
        switch name {
        case "--verbose": isVerbose = true
        case "--quiet": isQuiet = true
        case "--no-color": usesColour = false
        case "--no-trace": usesTrace = false
        case "--init":
            let names = try value(name, &rest).split(separator: ",").map(String.init)
            if names.isEmpty { throw BadUsage(message: "--init takes the name of an init") }
            inits += names
        case "--runtime":
            if runtimes == [nil] { runtimes = [] }
            runtimes += try RunOptions.runtimes(try value(name, &rest))
        case "--compare": compares = true
        case "--filter": filter = try value(name, &rest)
        case "--tag": tags.append(try value(name, &rest))
        case "--jobs": jobs = try number(name, &rest, in: 1...512)
        case "--repeat": repetitions = try number(name, &rest, in: 1...100_000)
        case "--speed":
            let text = try value(name, &rest)
            guard let number = Double(text), (1...1000).contains(number) else {
                throw BadUsage(message: "--speed takes a number from 1 to 1000, not '\(text)'")
            }
            speed = number
        case "--output": output = try value(name, &rest)
        case "--format":
            let text = try value(name, &rest)
            guard let format = Format(rawValue: text) else {
                throw BadUsage(message: "--format is human, json or markdown, not '\(text)'")
            }
            self.format = format
        default:
            throw BadUsage(
                message: "'\(name)' is not an option of run; it has \(RunOptions.known.joined(separator: " "))")
        }
    }

    /// Names of runtimes, with commas between them; `all`: each of them.
    static func runtimes(_ text: String) throws(BadUsage) -> [Runtime] {
        let known = Array(Runtime.allCases)
        var result: [Runtime] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            if name == "all" {
                result += known
            } else if let runtime = known.first(where: { $0.rawValue == name }) {
                result.append(runtime)
            } else {
                let words = known.map(\.rawValue).joined(separator: ", ")
                throw BadUsage(message: "'\(name)' is not a runtime; there are \(words)")
            }
        }
        return result
    }

    private func value(_ name: String, _ rest: inout ArraySlice<String>) throws(BadUsage) -> String {
        guard let value = rest.popFirst() else { throw BadUsage(message: "\(name) takes a value") }
        return value
    }

    private func number(
        _ name: String, _ rest: inout ArraySlice<String>, in range: ClosedRange<Int>
    ) throws(BadUsage) -> Int {
        let text = try value(name, &rest)
        guard let number = Int(text), range.contains(number) else {
            throw BadUsage(
                message: "\(name) takes a number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        return number
    }
}
