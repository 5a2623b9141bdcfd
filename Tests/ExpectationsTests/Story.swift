import Expectations
import Journal
import Model
import Vocabulary

/// Journals written by hand: PID 1 (100), `app` (101), its worker `app.1` (102), `db` (103); times in milliseconds.
struct Story {
    static let initPID = ProcessID(rawValue: 100)
    static let app = ProcessID(rawValue: 101)
    static let worker = ProcessID(rawValue: 102)
    static let db = ProcessID(rawValue: 103)
    /// One that is not there from the beginning.
    static let other = ProcessID(rawValue: 104)
    /// PID 1 of another life.
    static let next = ProcessID(rawValue: 200)
    static let outside = ProcessID(rawValue: 1)

    private(set) var journal: Journal
    private var now = 0

    init(witness: Witness = .tracefs) {
        journal = Journal(witness: witness)
        add(.runtime(.started(Story.initPID, program: "tini")))
        add(.kernel(.forked(child: Story.initPID, by: Story.outside)))
        for (pid, parent, name) in [
            (Story.app, Story.initPID, "app"), (Story.worker, Story.app, "app.1"), (Story.db, Story.initPID, "db"),
        ] {
            add(.kernel(.forked(child: pid, by: parent)))
            add(.kernel(.executed(pid, path: "/.harness/fake-services")))
            add(.said(.hello(name: name), by: pid))
        }
    }

    /// A millisecond later, this.
    mutating func add(_ kind: Event.Kind) {
        now += 1
        journal.append(Event(at: MonotonicInstant(nanoseconds: UInt64(now) * 1_000_000), kind))
    }

    /// A millisecond later, all of these at once.
    mutating func together(_ kinds: Event.Kind...) {
        now += 1
        for kind in kinds { journal.append(Event(at: MonotonicInstant(nanoseconds: UInt64(now) * 1_000_000), kind)) }
    }

    /// So many milliseconds pass.
    mutating func pass(_ milliseconds: Int) { now += milliseconds }

    mutating func send(
        _ signal: Signal, to pid: ProcessID, from sender: ProcessID = Story.outside, fate: SignalFate = .queued
    ) {
        add(.kernel(.signalled(signal, to: pid, from: .process(sender), fate: fate)))
    }

    /// A look at a file: nil where it is not there.
    mutating func look(
        _ path: String, _ text: String?, mode: UInt16 = 0o644, user: UInt32 = 0, group: UInt32 = 0, isCut: Bool = false,
        inode: UInt64 = 1, changed: Int64 = 0
    ) {
        let status = text.map { text in
            FileFact.Status(
                mode: mode, user: user, group: group, inode: inode, modified: 0,
                sizeInBytes: Int64(text.utf8.count) + (isCut ? 1 : 0), text: text, isCut: isCut, changed: changed)
        }
        add(.looked(FileFact(path: path, status: status)))
    }

    mutating func exit(_ pid: ProcessID) { add(.kernel(.exited(pid))) }

    mutating func end(_ status: ExitStatus) {
        exit(Story.initPID)
        let code =
            switch status {
            case .exited(let code): Int(code)
            case .signaled(let signal, _): 128 + Int(signal.rawValue)
            }
        add(.runtime(.exited(status, code: code)))
    }

    /// A story and what comes after its beginning.
    static func told(witness: Witness = .tracefs, _ events: (inout Story) -> Void) -> Story {
        var story = Story(witness: witness)
        events(&story)
        return story
    }

    func judge(_ condition: Condition) -> Judgement {
        JournalView(journal).judge(condition)
    }
}
