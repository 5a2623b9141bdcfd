import Expectations
import Journal
import Kernel
import Vocabulary

/// Whether a container is still at its beginning: something new comes of it, programs, lines or files.
struct Progress {
    /// The program that its entrypoint is to become; nil: not known.
    private let command: String?
    /// An init is in front of it.
    private let hasInit: Bool
    /// What has been seen: programs, lines without their numbers, files.
    private var seen: Set<String> = []
    private var lastNews = MonotonicInstant.now
    private var looked = MonotonicInstant(nanoseconds: 0)
    private let began = MonotonicInstant.now

    /// How long nothing new may come.
    private let patience: Duration
    /// How long a beginning may take in all: of an entrypoint that has not become its command, and of anything else.
    private static let limits = (entrypoint: Duration.seconds(60), program: Duration.seconds(12))
    private static let interval = Duration.milliseconds(200)

    init(of command: String?, hasInit: Bool, patience: Duration) {
        self.patience = patience
        self.command = command
        self.hasInit = hasInit
    }

    /// - Throws: what keeps the container from being looked at.
    mutating func goesOn(in run: ScenarioRun) throws -> Bool {
        guard MonotonicInstant.now.duration(since: looked) >= Progress.interval else { return true }
        looked = .now
        try run.pump(until: .now, watchingKernel: true)
        let tree = JournalView(run.journal).tree
        let limit = isAtItsCommand(tree) ? Progress.limits.program : Progress.limits.entrypoint
        guard MonotonicInstant.now.duration(since: began) < limit else { return false }
        var news: Set<String> = Set(tree.present.map { tree.programName($0) })
        for line in run.journal.events.printedLines { news.insert(line.text.filter { !$0.isNumber }) }
        for (path, time) in run.life?.writtenFiles() ?? [:] { news.insert("\(path) \(time / 100_000_000)") }
        if !news.isSubset(of: seen) { lastNews = .now }
        seen.formUnion(news)
        return MonotonicInstant.now.duration(since: lastNews) < patience
    }

    /// Whether the entrypoint has become what it is to become.
    private func isAtItsCommand(_ tree: ProcessTree) -> Bool {
        let entry = hasInit ? tree.present.first { tree.processes[$0].creator == tree.root } : tree.root
        guard let command, let entry else { return true }
        return tree.processes[entry].programs.contains { program in
            program.path.split(separator: "/").last?.hasPrefix(command) == true
        }
    }
}
