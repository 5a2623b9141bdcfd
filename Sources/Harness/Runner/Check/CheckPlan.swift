import Kernel
import Language
import Model
import Reports
import Vocabulary

/// What is carried out for one entry of the table.
struct CheckTask: Sendable {
    let item: CheckItem
    /// Empty: it cannot be asked, and `reason` says why.
    var scenarios: [Scenario] = []
    var reason = ""
    /// What is said where it is good or bad; empty: what was seen says enough.
    var note = ""
}

/// The scenarios of a check: of each entry of the table, what is done with the container and what must be so.
struct CheckPlan {
    /// The container; without steps.
    let container: Scenario
    let profile: InitProfile
    let look: Look
    /// The same with a terminal.
    let lookWithTerminal: Look?
    /// How many open files the kernel lets a process ask for.
    let fileLimit: Int
    /// How long it may take in all, about.
    let budget: Duration
    /// Where scenarios are written to; nil: nowhere.
    let folder: String?

    /// A user that nobody has an entry for, in the group that OpenShift gives.
    static let strangeUser = Owner(user: 1_000_650_000, group: 0)
    static let smallProcessLimit = 50
    static let smallMemoryInBytes = 128 << 20
    static let smallLayerInBytes = 256 << 10
    /// How many moments of the start a kill and a restart come at, at most; and each at least.
    private static let killMoments = (most: 24, fewest: 8)
    private static let restartMoments = (most: 8, fewest: 4)
    /// Half a million descriptors closed one by one take a tenth of a second.
    private static let manyFiles = 500_000

    /// A helper that sleeps may be killed with PID 1; what has something to lose may not.
    private var expectStop: String {
        look.victims.isEmpty ? "expect no init killed" : "expect no init killed\nexpect nobody killed"
    }
    /// What is deaf to a stop is not waited for each time.
    private var quickly: String { " grace \(look.wasKilled ? "100ms" : "3s")" }
    private var wait: String { look.wait ?? "wait 1s" }

    func task(_ item: CheckItem) throws -> CheckTask {
        var task = CheckTask(item: item)
        switch item {
        case .start:
            task.scenarios = [try scenario(item, "start\n\(wait)\nexpect state running for 5s")]
            task.note = look.words
        case .stop:
            task.scenarios = [try scenario(item, "start\n\(wait)\nstop\n\(expectStop)")]
            task.note = look.victims.isEmpty ? "" : look.victims.prefix(2).joined(separator: "; ")
        case .stopBusy: try stopBusy(&task)
        case .status: try status(&task)
        case .stopEarly: try stopEarly(&task)
        case .orphans:
            task.scenarios = [
                try scenario(
                    item,
                    """
                    start
                    \(wait)
                    exec /.harness/fake-services orphans 3
                    expect exec exit 0
                    expect orphans reaped within 5s
                    expect no zombies
                    """)
            ]
        case .failure: try failure(&task)
        case .output: try output(&task)
        case .restarts:
            task.scenarios = [
                try scenario(
                    item,
                    "start\n\(wait)\nrepeat 10 times\n  restart\(quickly)\n  \(wait)\nexpect state running for 500ms")
            ]
        case .kill:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nkill\nstart\n\(wait)\nexpect state running for 500ms")
            ]
        case .killEarly: try killEarly(&task)
        case .recreate:
            task.scenarios = [
                try scenario(
                    item, "start\n\(wait)\nstop\(quickly)\nrecreate\nstart\n\(wait)\nexpect state running for 500ms")
            ]
            if container.settings.volumes.isEmpty { task.note = "it has no volume: all is new" }
        case .restartEarly: try restartEarly(&task)
        case .together: try together(&task)
        case .terminal:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") { $0.hasTerminal.toggle() }
            ]
        case .readOnly:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") { settings in
                    settings.hasReadOnlyRoot = true
                    for path in ["/tmp", "/run"] where !settings.covers(path) && !hasProgram(below: path) {
                        settings.tmpfs.append(path)
                    }
                }
            ]
            task.note = "with a tmpfs at /tmp and /run"
        case .user:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") { $0.user = CheckPlan.strangeUser }
            ]
            task.note = "as \(CheckPlan.strangeUser)"
        case .privileges:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") { $0.hasNoNewPrivileges = true }
            ]
        case .processes:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms") {
                    $0.processLimit = CheckPlan.smallProcessLimit
                }
            ]
            task.note = "\(CheckPlan.smallProcessLimit)"
        case .memory:
            task.scenarios = [
                try scenario(item, "start\n\(wait)\nexpect state running for 500ms\nexpect nobody killed") {
                    $0.memoryLimit = CheckPlan.smallMemoryInBytes
                }
            ]
            task.note = Spelling.size(CheckPlan.smallMemoryInBytes)
        case .disk:
            // It works without writing, or it fails; what ends as if all were well has not seen it.
            task.scenarios = [
                try scenario(item, "start\nwait \(Look.settling(look.after * 2).text)\nexpect no exit 0 for 1s") {
                    $0.layerLimit = CheckPlan.smallLayerInBytes
                }
            ]
            task.note = "\(Spelling.size(CheckPlan.smallLayerInBytes)) free"
        case .files: try files(&task)
        case .runtimes where look.wasKilled || !look.victims.isEmpty:
            task.reason = "it is not stopped well by Docker either"
        case .runtimes:
            task.scenarios = try [Runtime.podman, .compose, .kubernetes].map { runtime in
                try scenario(
                    item, "start\n\(wait)\nstop\n\(expectStop)", named: " (\(runtime.rawValue))", runtime: runtime)
            }
        default: task.reason = "there is no such check"
        }
        return task
    }

    /// A tmpfs there would hide the command.
    private func hasProgram(below path: String) -> Bool {
        guard case .command(let words)? = container.settings.payload else { return false }
        return words.contains { $0.hasPrefix(path + "/") }
    }

    // MARK: - Those that depend on what was seen

    private func stopBusy(_ task: inout CheckTask) throws {
        guard let port = look.port else { return task.reason = "no port of it is open" }
        guard !look.wasKilled else { return task.reason = "it does not end without a client either" }
        // The request is HTTP's, and not at its end: a server of another protocol refuses it, or waits for more.
        task.scenarios = try [("a silent client", ""), ("a request under way", " \"GET / HTTP/1.1\"")].map {
            name, line in
            try scenario(
                task.item,
                """
                start
                \(wait)
                exec /.harness/fake-services connect \(port)\(line)
                expect exec exit 0
                wait 300ms
                stop
                expect no init killed
                """, named: " (\(name))")
        }
        task.note = "to port \(port)"
    }

    private func status(_ task: inout CheckTask) throws {
        guard let code = look.code, !look.wasKilled else {
            return task.reason = "it had to be killed"
        }
        let own = 128 + Int((container.stop.signal ?? .term).rawValue)
        task.scenarios = [try scenario(task.item, "start\n\(wait)\nstop\nexpect exit \(code == own ? own : 0)")]
        task.note = "it ends with \(code)"
    }

    /// Between the first and the last quarter of its start; what is there at once has no such moment.
    private func stopEarly(_ task: inout CheckTask) throws {
        guard look.after >= .milliseconds(100) else {
            return task.reason = "it is ready at once, after \(look.after.rounded)"
        }
        guard !look.wasKilled else { return task.reason = "it cannot be stopped later either" }
        let eighth = look.after.inNanoseconds / 8 / 1_000_000
        let (first, last) = (Duration.milliseconds(eighth * 2), Duration.milliseconds(eighth * 6))
        let step = Duration.milliseconds(eighth)
        task.scenarios = [
            try scenario(
                task.item,
                "sweep stop from \(first.text) to \(last.text) step \(step.text)\n  start\n  expect no init killed")
        ]
        task.note = "every \(step.text) from \(first.text) to \(last.text)"
    }

    private func restartEarly(_ task: inout CheckTask) throws {
        let moments = startMoments(CheckPlan.restartMoments, startsEach: 3)
        task.scenarios = [
            try scenario(
                task.item,
                "sweep restart grace 500ms \(moments.words)\n  start\n  \(wait)\n  expect state running for 300ms")
        ]
        task.note = moments.note
    }

    /// Beside one that is ready, and both at once: a second one may refuse to start, but neither may cost the first or the data.
    private func together(_ task: inout CheckTask) throws {
        guard !container.settings.volumes.isEmpty else {
            return task.reason = "it has no volume: two have nothing in common"
        }
        let twoStarts = Look.settling(look.after * 2).text
        let again = "in one\n  start\n  \(wait)\n  expect state running for 500ms"
        task.scenarios = try [
            (
                " (beside one that is ready)",
                "in one\n  start\n  \(wait)\nin two\n  start\n  wait \(twoStarts)\nin one\n  expect state running for 500ms\nstop\n"
                    + again
            ),
            (" (both at once)", "start\nwait \(twoStarts)\nstop\n" + again),
        ].map { name, steps in try scenario(task.item, steps, named: name, isDoubled: true) }
    }

    private func failure(_ task: inout CheckTask) throws {
        guard look.programCount > 1 else {
            return task.reason = "PID 1 is the only process: its end is the container's"
        }
        task.scenarios = [
            try scenario(
                task.item,
                """
                start
                \(wait)
                exec /.harness/fake-services end-others
                expect no exit 0 for 3s
                """)
        ]
    }

    /// A line that comes with a terminal and does not without.
    private func output(_ task: inout CheckTask) throws {
        guard !container.settings.hasTerminal else { return task.reason = "it was asked for with a terminal" }
        guard let lookWithTerminal, lookWithTerminal.readiness.isReady else {
            return task.reason = "it does not start with a terminal, with which it would be compared"
        }
        let own = Set(look.printed)
        let stable = lookWithTerminal.printed.map { $0.replacing("\r", with: "") }.filter { line in
            !line.isEmpty && !line.contains { $0.isNumber } && !line.utf8.contains(0x1B)
        }
        guard let first = stable.first else { return task.reason = "it prints nothing that could be compared" }
        let late = stable.first { !own.contains($0) && look.printedLater.contains($0) }
        // A signal that ends it takes with it what it had not written.
        let lost = look.printed.isEmpty && look.printedLater.isEmpty ? first : nil
        guard let line = late ?? lost ?? stable.first(where: own.contains) else {
            return task.reason = "with a terminal it prints other lines"
        }
        task.scenarios = [
            try scenario(task.item, "start\n\(wait)\nexpect output contains \(Spelling.quoted(line)) within 1s")
        ]
    }

    private func killEarly(_ task: inout CheckTask) throws {
        let moments = startMoments(CheckPlan.killMoments, startsEach: 2)
        task.scenarios = [
            try scenario(
                task.item,
                "sweep kill \(moments.words)\n  start\n  start\n  \(wait)\n  expect state running for 300ms")
        ]
        task.note = moments.note
    }

    /// Moments of its first start, at equal distances: as many as there is time for.
    ///
    /// - Parameter startsEach: about how many starts the run of each takes.
    private func startMoments(_ limit: (most: Int, fewest: Int), startsEach: Int) -> (words: String, note: String) {
        let end = max(.milliseconds(50), look.after + .milliseconds(100))
        // The processors do some at once.
        let affordable = Int(budget / 2 / (end * startsEach)) * 2
        let count = min(limit.most, max(limit.fewest, affordable))
        let nanoseconds = end.inNanoseconds / Int64(count)
        let step = Duration.milliseconds(max(2, nanoseconds / 1_000_000))
        let last = step * (count - 1)
        return ("from 0s to \(last.text) step \(step.text)", "every \(step.text) of its first \(last.text)")
    }

    private func files(_ task: inout CheckTask) throws {
        switch look.readiness {
        case .healthy, .port: break
        default: return task.reason = "nothing but quiet shows when it is ready"
        }
        guard fileLimit > CheckPlan.manyFiles else {
            return task.reason = "this machine's kernel allows \(fileLimit) at most (fs.nr_open)"
        }
        // Three times as long, and what a busy machine takes.
        let wait = look.wait(within: look.after * 3 + .seconds(2)) ?? wait
        task.scenarios = [
            try scenario(task.item, "start\n\(wait)\nexpect state running") { settings in
                settings.resourceLimits.append(ResourceLimit(.nofile, soft: UInt64(fileLimit), hard: UInt64(fileLimit)))
            }
        ]
        task.note = "\(fileLimit)"
    }

    // MARK: - Scenarios

    /// The container, and these steps; a text is what is carried out, so that it is what is written.
    ///
    /// - Parameter isDoubled: two of it, `one` and `two`, in a Compose project.
    private func scenario(
        _ item: CheckItem, _ steps: String, named suffix: String = "", runtime: Runtime? = nil, isDoubled: Bool = false,
        _ change: (inout ContainerSettings) -> Void = { _ in }
    ) throws -> Scenario {
        var own = isDoubled ? Scenario(title: "", place: .none) : container
        own.title = "\(item.id): \(item.title)\(suffix)"
        own.tags = ["check"]
        own.inits = [profile.name]
        own.runtime = runtime ?? container.runtime
        own.steps = []
        change(&own.settings)
        if isDoubled {
            own.runtime = .compose
            own.members = ["one", "two"].map { name in
                var member = Member(name: name, place: .none)
                member.scenario = container
                (member.scenario.title, member.scenario.tags, member.scenario.inits) = (name, [], [])
                (member.scenario.steps, member.scenario.runtime) = ([], nil)
                return member
            }
        }
        let setUp = own.text
        let text =
            (setUp.hasSuffix("\n") ? setUp : setUp + "\n") + "\n"
            + steps.split(separator: "\n").map { "  \($0)\n" }.joined()
        let parsed = parseScenarios(Array(text.utf8), file: (folder ?? "check") + "/\(item.id).scenario")
        if let problem = parsed.diagnostics.first(where: { $0.severity == .error }) {
            throw CannotRun(reason: "what it is made with cannot be a scenario: \(problem.message)", remedy: "")
        }
        guard var result = parsed.values.first else { throw CannotRun(reason: "no scenario comes of it", remedy: "") }
        result.settings.imageLayers = own.settings.imageLayers
        for place in result.members.indices {
            result.members[place].scenario.settings.imageLayers = container.settings.imageLayers
        }
        return result
    }
}

extension ContainerSettings {
    /// Whether a path is on a volume or a tmpfs.
    fileprivate func covers(_ path: String) -> Bool { tmpfs.contains(path) || volumes.contains { $0.path == path } }
}

extension Look.Readiness {
    var isReady: Bool {
        switch self {
        case .healthy, .port, .quiet, .busy: true
        case .never, .unhealthy: false
        }
    }
}
