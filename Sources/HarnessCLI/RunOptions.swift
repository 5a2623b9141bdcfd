import Glibc
import Harness

/// The command line of `harness run`, read.
struct RunOptions: Sendable {
    /// Files and folders, and `FILE:LINE,LINE`.
    var paths: [String] = []
    var inits: [String] = []
    var command: [String]?
    /// Whose rules containers are driven by; nil: as each scenario says.
    var runtimes: [Runtime?] = [nil]
    /// Only where runtimes make a difference.
    var compares = false
    /// Only scenarios whose titles contain one of these, without regard to case; none of those that contain one of the others.
    var filters: [String] = []
    var exclusions: [String] = []
    /// Each is a list of tags of which a scenario must have one.
    var tags: [[String]] = []
    /// Only what failed the last time.
    var isOfLastFailures = false
    var jobs: Int?
    /// Nil: once, or as long as another option says.
    var repetitions: Int?
    /// Rounds are made until one fails, or this time is over.
    var untilFailure = false
    var stressTime: Duration?
    /// How many moments of a sweep are taken at most.
    var sweepLimit: Int?
    var stopsAtFirstFailure = false
    var timeout: Duration?
    var retries = 0
    /// Nil: as it was recorded, else it is not.
    var flakinessIsBad: Bool?
    var isFlakinessBad: Bool { flakinessIsBad ?? false }
    /// Files that say what inits are known to fail.
    var knownFiles: [String] = []
    /// Files: only what depends on one of them.
    var changedFiles: [String] = []
    var isWatching = false
    /// A recorded run that this one is held against.
    var baseline: String?
    /// Scenarios whose expectations a recorded run is judged by.
    var otherExpectations: [String] = []
    /// Two recorded runs are held against each other.
    var showsDifference = false
    var shard: Part?
    var speed = 1.0
    var format = HumanReport.name
    var output: String?
    /// Further reports, each with the file that it goes to.
    var reports: [(format: String, path: String)] = []
    /// Where every event is recorded as the run goes on.
    var journal: String?
    var isVerbose = false
    var isQuiet = false
    var colour = "auto"
    var usesTrace = true
    var usesSettingsFile = true

    init() {}

    /// The command line, after the settings file of the folder that it is called in.
    init(_ arguments: [String]) throws(BadUsage) {
        if !arguments.prefix(while: { $0 != "--" }).contains("--no-config") { try readSettings("harness.conf") }
        // A list that the command line has takes the place of the one that is set there, but for reports.
        var own = RunOptions()
        try RunOptions.table.read(arguments, into: &own)
        if !own.inits.isEmpty || own.command != nil { inits = [] }
        if !own.paths.isEmpty { paths = [] }
        if own.runtimes != [nil] { runtimes = [nil] }
        if !own.filters.isEmpty { filters = [] }
        if !own.tags.isEmpty { tags = [] }
        if own.isQuiet || own.isVerbose { (isQuiet, isVerbose) = (false, false) }
        try RunOptions.table.read(arguments, into: &self)
        try check()
    }

    /// What goes together.
    mutating func check() throws(BadUsage) {
        if showsDifference && (compares || isQuiet) {
            throw BadUsage(message: "--diff goes with --filter, --verbose and --color alone")
        }
        if compares {
            if format != HumanReport.name { throw BadUsage(message: "--compare is for people: leave out --format") }
            if runtimes == [nil] { runtimes = Array(Runtime.allCases) }
        }
        let files = reports.map(\.path) + [output, journal].compactMap(\.self)
        if let twice = files.first(where: { file in file != "/dev/null" && files.count { $0 == file } > 1 }) {
            throw BadUsage(message: "two reports go to \(twice)")
        }
        if showsDifference {
            let others = format != HumanReport.name || output != nil || !reports.isEmpty || !knownFiles.isEmpty
            if others || baseline != nil || !otherExpectations.isEmpty {
                throw BadUsage(message: "--diff goes with --filter, --verbose and --color alone")
            }
        }
        if isQuiet && isVerbose { throw BadUsage(message: "--quiet and --verbose contradict each other") }
    }

    /// Options that say what is done once, and not how.
    private static let ofOneCommandLine: Set<String> = ["watch", "changed", "failed", "no-config"]

    /// A line is an option without its dashes, and its value.
    private mutating func readSettings(_ path: String) throws(BadUsage) {
        guard access(path, F_OK) == 0 else { return }
        let bytes: [UInt8]
        do {
            bytes = try SourceFile.bytes(of: path)
        } catch {
            throw BadUsage(message: "\(path): \(error)")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        // CR LF is one character, and a newline.
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(maxSplits: 1, omittingEmptySubsequences: true) { $0 == " " || $0 == "\t" }
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if RunOptions.ofOneCommandLine.contains(String(first)) {
                throw BadUsage(
                    message: "\(path):\(number + 1): '\(first)' belongs on the command line, not in harness.conf")
            }
            var arguments = first == "path" ? [] : ["--\(first)"]
            if words.count > 1 {
                let value = words[1].drop { $0 == " " || $0 == "\t" }
                arguments.append(String(value.reversed().drop { $0 == " " || $0 == "\t" }.reversed()))
            }
            try RunOptions.table.read(arguments, into: &self, place: "\(path):\(number + 1)")
        }
    }

    /// Those of `report`: it records nothing, and knows of failures as `run` does.
    static let ofReport =
        [
            Option("--diff", flag: "hold two recorded runs against each other: verdicts, then events side by side") {
                $0.showsDifference = true
            },
            Option(
                "--expect", takes: "PATH",
                "judge the recorded runs by the expectations of the scenarios with the same titles in this file or folder; all other steps must be the "
                    + "same; repeatable"
            ) { $0.otherExpectations.append($1) },
        ] + selection.filter { ["--known", "--against", "--filter"].contains($0.text.names[0]) }
        + doing.filter { $0.text.names == ["--flaky-result"] } + reporting.filter { $0.text.names != ["--journal"] }

    static let table = OptionTable<RunOptions>(
        verb: "run", options: selection + doing + reporting,
        operand: { (options, word) throws(BadUsage) in options.paths.append(word) },
        afterDashes: { (options, words) throws(BadUsage) in
            if words.isEmpty { throw BadUsage(message: "no command after '--'") }
            options.command = words
        })

    // MARK: - What is run

    private static let selection: [Option<RunOptions>] = [
        Option(
            "--init", takes: "NAME|FILE",
            "an init by the name of its profile, or a profile's file; repeatable, or comma-separated; all: every one installed; none: "
                + "the command itself is PID 1 (default: what each scenario is about)"
        ) { (options, text) throws(BadUsage) in
            options.inits += try Values.names("--init", text, "the name of an init")
        },
        Option(
            "--runtime", takes: "NAME", choices: Runtime.allCases.map(\.rawValue) + ["all"],
            "by whose rules containers are driven; repeatable, or comma-separated (default: as each scenario says, else docker)"
        ) { (options, text) throws(BadUsage) in
            if options.runtimes == [nil] { options.runtimes = [] }
            options.runtimes += try Values.runtimes(text)
        },
        Option(
            "--filter", takes: "TEXT",
            "only scenarios whose title contains this, upper or lower case; of several, any of them"
        ) {
            $0.filters.append($1)
        },
        Option("--exclude", takes: "TEXT", "leave out scenarios whose title contains this, or whose row or tag is this")
        {
            $0.exclusions.append($1)
        },
        Option(
            "--tag", takes: "TAG,…", "only scenarios with one of these tags; of several such options, with one of each"
        ) {
            (options, text) throws(BadUsage) in
            options.tags.append(try Values.names("--tag", text, "a tag"))
        },
        Option(
            "--changed", takes: "FILE",
            "only what depends on this scenario, profile or program; repeatable"
        ) { $0.changedFiles.append($1) },
        Option("--failed", flag: "only what failed the last time") { $0.isOfLastFailures = true },
        Option(
            "--shard", takes: "I/N",
            "run the Ith of N parts of about equal duration, by the durations in --against, else by the scenarios' texts; auto, auto/N: as the "
                + "variables of GitLab, CircleCI, Buildkite, Semaphore, Azure Pipelines or a Kubernetes indexed Job say"
        ) { (options, text) throws(BadUsage) in options.shard = try shard(text) },
        Option(
            "--known", takes: "FILE",
            "what inits are known to fail: green with it; where the whole suite is run, red when one of them passes; repeatable"
        ) {
            $0.knownFiles.append($1)
        },
        Option("--against", takes: "FILE", "fail only on what is worse than in this recorded run (a journal or a page)")
        {
            $0.baseline = $1
        },
    ]

    /// By which variables CI systems say which part of a job this is, whether they count from 0 or 1, and how many there are.
    private static let environmentsOfShards: [(number: String, first: Int, count: String?)] = [
        ("CI_NODE_INDEX", 1, "CI_NODE_TOTAL"),  // GitLab
        ("CIRCLE_NODE_INDEX", 0, "CIRCLE_NODE_TOTAL"),
        ("BUILDKITE_PARALLEL_JOB", 0, "BUILDKITE_PARALLEL_JOB_COUNT"),
        ("SEMAPHORE_JOB_INDEX", 1, "SEMAPHORE_JOB_COUNT"),
        ("SYSTEM_JOBPOSITIONINPHASE", 1, "SYSTEM_TOTALJOBSINPHASE"),  // Azure Pipelines
        ("JOB_COMPLETION_INDEX", 0, nil),  // a Kubernetes indexed Job
    ]

    private static func shard(_ text: String) throws(BadUsage) -> Part? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let environment = CommandLineTool.environment
        if parts[0] == "auto", parts.count < 3 {
            // The first system that says anything is the one that it is.
            guard let one = environmentsOfShards.first(where: { environment($0.number) != nil }) else {
                throw BadUsage(
                    message: "--shard \(text): none of "
                        + "\(environmentsOfShards.map(\.number).joined(separator: ", ")) says which part this is")
            }
            let count = parts.count == 2 ? Int(parts[1]) : one.count.flatMap(environment).flatMap { Int($0) }
            if let count, let number = environment(one.number).flatMap({ Int($0) }), (0...Part.limit).contains(number),
                let part = Part(number + 1 - one.first, of: count)
            {
                return part
            }
            let names = ([one.number] + [one.count].compactMap(\.self)).map { "\($0)=\(environment($0) ?? "")" }
            throw BadUsage(
                message: "--shard \(text): \(names.joined(separator: " ")) does not name a part"
                    + (one.count == nil && parts.count < 2 ? "; give the number of parts: --shard auto/N" : ""))
        }
        guard parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]),
            let part = Part(number, of: count)
        else { throw BadUsage(message: "--shard takes I/N with I from 1 to N, auto or auto/N, not '\(text)'") }
        return part
    }

    // MARK: - How it is run

    private static let doing: [Option<RunOptions>] = [
        Option(
            "--jobs", takes: "N",
            "how many scenarios at once at most; how many go on the machine decides (default: \(Session.usualLimit))"
        ) {
            (options, text) throws(BadUsage) in options.jobs = try Values.number("--jobs", text, in: 1...512)
        },
        Option("--repeat", takes: "N", "run each scenario N times") { (options, text) throws(BadUsage) in
            options.repetitions = try Values.number("--repeat", text, in: 1...100_000)
        },
        Option("--until-failure", flag: "repeat until something fails (at most --repeat times)") {
            $0.untilFailure = true
        },
        Option("--stress-for", takes: "D", "repeat for this long") { (options, text) throws(BadUsage) in
            options.stressTime = try Values.duration("--stress-for", text)
        },
        Option("--limit", takes: "N", "take N moments of a sweep that has more, at equal distances (default: 1000)") {
            (options, text) throws(BadUsage) in options.sweepLimit = try Values.number("--limit", text, in: 2...10_000)
        },
        Option("--fail-fast", flag: "stop at the first failure; what is still running is interrupted") {
            $0.stopsAtFirstFailure = true
        },
        Option("--timeout", takes: "D", "end after this time, with the report of what there was so far") {
            (options, text) throws(BadUsage) in options.timeout = try Values.duration("--timeout", text)
        },
        Option("--retries", takes: "N", "run a failed scenario again up to N times; if it then passes, it is flaky") {
            (options, text) throws(BadUsage) in options.retries = try Values.number("--retries", text, in: 0...100)
        },
        Option(
            "--flaky-result", takes: "pass|fail", choices: ["pass", "fail"],
            "what a flaky scenario counts as (default: pass; of a recorded run, as when it was recorded)"
        ) {
            $0.flakinessIsBad = $1 == "fail"
        },
        Option(
            "--speed", takes: "X",
            "how many times faster the runtime's clocks and the fakes run, where no real program is judged by them"
        ) {
            (options, text) throws(BadUsage) in
            guard let number = Double(text), (1...1000).contains(number) else {
                throw BadUsage(message: "--speed takes a number from 1 to 1000, not '\(text)'")
            }
            options.speed = number
        },
        Option("--no-trace", flag: "do without the trace instance, as on a machine that has none") {
            $0.usesTrace = false
        },
        Option("--watch", flag: "run again what depends on a scenario, a profile or a program when that changes") {
            $0.isWatching = true
        },
        Option("--no-config", flag: "take no notice of harness.conf in this folder") { $0.usesSettingsFile = false },
    ]

    // MARK: - What is said of it

    static let reporting: [Option<RunOptions>] =
        [
            Option(
                "--compare", flag: "only where runtimes make a difference, with what each of them did (--runtime all)"
            ) {
                $0.compares = true
            },
            Option(
                "--format", takes: Reporters.all.map { $0.name }.joined(separator: "|"),
                choices: Reporters.all.map { $0.name }, "the report (default: human)"
            ) {
                $0.format = $1
            },
            Option("--output", takes: "FILE", "write the report there") { $0.output = $1 },
        ]
        + Reporters.all.filter { $0.name != HumanReport.name }.map { reporter in
            let name = reporter.name
            return Option("--\(name)", takes: "FILE", "also write there: \(reporter.summary)") {
                $0.reports.append((name, $1))
            }
        } + [
            Option(
                "--journal", takes: "FILE", "record every event there, while the run goes on (harness report reads it)"
            ) { $0.journal = $1 },
            Option("--verbose", flag: "every event of every run, every failure in full") { $0.isVerbose = true },
            Option("--quiet", flag: "print only the totals") { $0.isQuiet = true },
            Option(
                "--color", takes: "auto|always|never", choices: ["auto", "always", "never"],
                "when to use colour (auto: on a terminal, unless NO_COLOR is set)"
            ) { $0.colour = $1 },
            Option("--no-color", flag: "as --color never") { $0.colour = "never" },
        ]
}
