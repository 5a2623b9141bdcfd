import Harness

/// The command line of `harness check`, read.
struct CheckOptions {
    private(set) var container = ContainerOptions()
    private(set) var check = Checker.Options()
    private(set) var isQuiet = false
    private(set) var isVerbose = false
    private(set) var colour = "auto"
    /// Forms of report, and the file that each goes to.
    private(set) var reports: [(format: String, path: String)] = []
    private(set) var format = "human"
    /// What the image was built from: reports that speak of lines speak of its own.
    private(set) var dockerfile: String?
    private var target: String?
    private var containerName: String?
    private var command: [String] = []
    private var acceptedFiles: [String] = []
    private var only: [String] = []
    private var skipped: [String] = []

    init(_ arguments: [String]) throws(BadUsage) {
        container.scenario.title = "checked"
        try CheckOptions.table.read(arguments, into: &self)
        if let document = try imported() {
            // Once more, over what the document says.
            self = CheckOptions(document)
            try CheckOptions.table.read(arguments, into: &self)
            let settings = container.scenario.settings
            if settings.image == nil, settings.rootDirectory == nil, settings.payload == nil, command.isEmpty {
                throw BadUsage(message: "\(target ?? "the document") names no image: give it with --image")
            }
            target = nil
        }
        if let target {
            if container.scenario.settings.image != nil || container.scenario.settings.rootDirectory != nil {
                throw BadUsage(message: "'\(target)' and --image or --rootfs: one of them")
            }
            container.scenario.settings.image = target
        } else if command.isEmpty, container.scenario.settings.image == nil {
            throw BadUsage(
                message: "what is to be checked: an image (a file, a directory, docker:NAME), or a command after '--'")
        }
        if let grace = container.scenario.stop.grace, grace < .zero {
            throw BadUsage(message: "a stop without end cannot be judged: --stop-timeout takes seconds from 0")
        }
        check.items = CheckItem.all.filter { item in
            (only.isEmpty || only.contains(item.id)) && !skipped.contains(item.id)
        }
        if check.items.isEmpty { throw BadUsage(message: "no check is left") }
        for file in acceptedFiles { try accept(file) }
    }

    private init(_ document: ImportedDocument) {
        container.scenario = document.scenario
        container.scenario.title = "checked"
        // The check starts and restarts it itself.
        container.scenario.restart = .no
        container.scenario.removesItself = false
        container.remarks = document.remarks
        container.usesInit = document.usesInit
    }

    /// What the target says, where it is a document and no image.
    private func imported() throws(BadUsage) -> ImportedDocument? {
        guard let target, let bytes = try? SourceFile.bytes(of: target, atMost: 4 << 20),
            let first = bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }),
            [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(first) || YAMLForm(bytes) != nil
        else { return nil }
        let documents = try CommandLineTool.documents(in: target, engine: nil).documents
        var all: [(name: String, document: ImportedDocument)] = []
        for document in documents {
            if document.scenario.members.isEmpty { all.append((document.scenario.title, document)) }
            for member in document.scenario.members {
                var own = document
                own.scenario = member.scenario
                own.usesInit = document.membersWithInit.contains(member.name)
                own.scenario.runtime = document.scenario.runtime
                all.append((member.name, own))
            }
        }
        let names = all.map(\.name).joined(separator: ", ")
        if let containerName {
            guard let own = all.first(where: { $0.name == containerName }) else {
                throw BadUsage(message: "--container: there is no '\(containerName)' in \(target), but \(names)")
            }
            return own.document
        }
        if all.count > 1 {
            throw BadUsage(message: "there are \(all.count) containers in \(target): --container is one of \(names)")
        }
        return all.first?.document
    }

    static let table = OptionTable<CheckOptions>(
        verb: "check",
        options: own
            + ContainerOptions.all.filter { option in
                !option.text.names.contains { ["--quiet", "--restart"].contains($0) }
            }
            .map { $0.within(\.container) },
        operand: { (options, word) throws(BadUsage) in
            if let first = options.target {
                throw BadUsage(message: "'\(first)' and '\(word)': one target at a time; a command goes after '--'")
            }
            options.target = word
        }, afterDashes: { $0.command = $1 })

    private static let own: [Option<CheckOptions>] =
        [
            Option("--container", takes: "NAME", "which of several, where the target is a pod or a project") {
                $0.containerName = $1
            },
            Option("--only", takes: "CHECK,…", "only these checks; repeatable") { (options, text) throws(BadUsage) in
                options.only += try ids("--only", text)
            },
            Option("--skip", takes: "CHECK,…", "not these checks; repeatable") { (options, text) throws(BadUsage) in
                options.skipped += try ids("--skip", text)
            },
            Option("--accept", takes: "FILE", "findings that are accepted: a line each, the check and why; repeatable")
            {
                $0.acceptedFiles.append($1)
            },
            Option(
                "--dockerfile", takes: "FILE",
                "what the image was built from: --sarif, --github and --codequality speak of its lines, and of its script's"
            ) {
                $0.dockerfile = $1
            },
            Option("--ready-within", takes: "D", "how long it may take to be ready (default: 1m)") {
                (options, text) throws(BadUsage) in
                options.check.patience = try Values.duration("--ready-within", text)
            },
            Option(
                "--time", takes: "D", "how long it may take, about: a sweep has as many moments as fit (default: 1m)"
            ) {
                (options, text) throws(BadUsage) in
                options.check.budget = try Values.duration("--time", text)
            },
            Option("--jobs", "-j", takes: "N", "containers at once (default: as many as the machine has room for)") {
                (options, text) throws(BadUsage) in options.check.jobs = try Values.number("--jobs", text, in: 1...1000)
            },
            Option(
                "--scenarios", takes: "DIR", "write every check as a scenario: a suite of its own for what was checked"
            ) {
                $0.check.folder = $1
            },
            Option("--format", takes: "human|json", choices: ["human", "json"], "what goes to standard output") {
                $0.format = $1
            },
            Option("--quiet", flag: "the sums alone") { $0.isQuiet = true },
            Option("--verbose", flag: "every finding in full") { $0.isVerbose = true },
            Option(
                "--color", takes: "auto|always|never", choices: ["auto", "always", "never"], "colours (default: auto)"
            ) {
                $0.colour = $1
            },
        ]
        + Reporters.all.filter { $0.name != HumanReport.name }.map { reporter in
            Option("--\(reporter.name)", takes: "FILE", "a report of every run, \(reporter.summary)") {
                $0.reports.append((reporter.name, $1))
            }
        }

    private static func ids(_ name: String, _ text: String) throws(BadUsage) -> [String] {
        let known = CheckItem.all.map(\.id)
        let words = text.split(separator: ",").map(String.init)
        for word in words where !known.contains(word) {
            let hint = nearestWord(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
            throw BadUsage(
                message: "\(name): there is no check '\(word)'\(hint); there are \(known.joined(separator: ", "))")
        }
        return words
    }

    /// Reads a file of accepted findings: `CHECK WHY`, and comments after `#`.
    private mutating func accept(_ file: String) throws(BadUsage) {
        let bytes: [UInt8]
        do {
            bytes = try SourceFile.bytes(of: file)
        } catch {
            throw BadUsage(message: "--accept \(file): \(error)")
        }
        // CR LF is one character to Swift.
        let lines = String(decoding: bytes, as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (number, line) in lines.enumerated() {
            let words = line.split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
            guard let id = words.first, !id.hasPrefix("#") else { continue }
            _ = try CheckOptions.ids("\(file):\(number + 1)", id)
            let why = words.count > 1 ? words[1].drop(while: \.isWhitespace) : ""
            if why.isEmpty { throw BadUsage(message: "\(file):\(number + 1): why is '\(id)' accepted?") }
            check.accepted[id] = String(why)
        }
    }

    /// Loads the container's image, and makes its command line.
    ///
    /// - Returns: what it is called, and the ports that it says it listens on.
    /// - Throws: `CannotRun`.
    mutating func load(in session: Session) throws -> (name: String, ports: [UInt16]) {
        let image = try container.load(command, in: session)
        return (image?.name ?? Spelling.command(command), image?.configuration.ports ?? [])
    }
}
