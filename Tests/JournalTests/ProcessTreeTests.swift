import Journal
import Testing
import Vocabulary

/// Events at whole milliseconds.
private func at(_ milliseconds: Int, _ kind: Event.Kind) -> Event {
    Event(at: MonotonicInstant(nanoseconds: UInt64(milliseconds) * 1_000_000), kind)
}

private func journal(_ events: [Event]) -> Journal {
    var journal = Journal(witness: .tracefs)
    journal.append(contentsOf: events)
    return journal
}

private let initPID = ProcessID(rawValue: 100)
private let app = ProcessID(rawValue: 101)
private let worker = ProcessID(rawValue: 102)
private let outside = ProcessID(rawValue: 1)

/// PID 1, a service and its worker.
private let started: [Event] = [
    at(0, .runtime(.started(initPID, program: "init"))),
    at(0, .kernel(.forked(child: initPID, by: outside))),
    at(1, .kernel(.forked(child: app, by: initPID))),
    at(2, .said(.hello(name: "app"), by: app)),
    at(3, .kernel(.forked(child: worker, by: app))),
]

@Suite("The journal and its process tree")
struct ProcessTreeTests {
    @Test func eventsAreKeptInTheOrderOfTheirTime() {
        let times = [5, 1, 3, 3, 9, 2]
        var journal = Journal(witness: .tracefs)
        for (index, time) in times.enumerated() { journal.append(at(time, .mark(.stepBegan(index)))) }
        #expect(journal.events.map { $0.instant.nanoseconds / 1_000_000 } == [1, 2, 3, 3, 5, 9])
        // Of two at the same time the first to be learned of comes first.
        #expect(journal.events[2].kind == .mark(.stepBegan(2)))
        #expect(journal.until(MonotonicInstant(nanoseconds: 3_000_000)).events.count == 4)
    }

    @Test func thereIsOnePID1() {
        let tree = ProcessTree(journal(started))
        #expect(tree.processes.count == 3)
        #expect(tree.root == 0)
        #expect(tree.index(named: "app") == 1)
        #expect(tree.processes[2].creator == 1)
    }

    @Test func aNumberThatIsUsedAgainIsAnotherProcess() {
        let tree = ProcessTree(
            journal(
                started + [
                    at(4, .kernel(.exited(worker))), at(5, .kernel(.freed(worker))),
                    at(6, .kernel(.forked(child: worker, by: initPID))),
                ]))
        #expect(tree.processes.count == 4)
        #expect(tree.processes[2].exitedAt != nil)
        #expect(tree.processes[3].exitedAt == nil)
        #expect(tree.index(of: worker) == 3)
    }

    @Test func whoseParentExitsIsAnOrphan() {
        let tree = ProcessTree(journal(started + [at(4, .kernel(.exited(app)))]))
        #expect(tree.processes[2].orphanedAt != nil)
        #expect(tree.label(2) == "init (102, an orphan of app)")
    }

    /// A child that ends before its parent does, and for which that has not waited, is PID 1's to reap.
    @Test func aZombieWhoseParentExitsIsAnOrphan() {
        func isOrphan(isTold: Bool = true, _ events: Event...) -> Bool {
            let told = at(5, .kernel(.signalled(.chld, to: app, from: .kernel(during: worker), fate: .queued)))
            let ended = [at(5, .kernel(.exited(worker)))] + (isTold ? [told] : [])
            let tree = ProcessTree(journal(started + ended + events + [at(9, .kernel(.exited(app)))]))
            return tree.processes[2].orphanedAt != nil
        }
        #expect(isOrphan())
        #expect(!isOrphan(at(6, .kernel(.waited(by: app, for: worker)))))
        #expect(!isOrphan(at(6, .kernel(.freed(worker)))))
        // Its parent ignores SIGCHLD: the kernel has reaped it.
        #expect(!isOrphan(isTold: false))
    }

    @Test func anUnreapedProcessIsAZombie() {
        let exited = started + [at(4, .kernel(.exited(worker)))]
        #expect(ProcessTree(journal(exited)).zombies().certain == [2])
        #expect(ProcessTree(journal(exited + [at(5, .kernel(.freed(worker)))])).zombies().certain.isEmpty)
    }

    @Test func whatIsLookedForAndNotThereIsGone() {
        let tree = ProcessTree(
            journal(started + [at(4, .kernel(.exited(worker))), at(5, .kernel(.absent([worker, app])))]))
        #expect(tree.zombies().certain.isEmpty)
        // It had not exited: its number has not been looked for.
        #expect(tree.processes[1].goneAt == nil)
    }

    @Test func withATraceACensusProvesNothing() {
        let census = KernelEvent.census([.init(pid: initPID, parent: outside, name: "init", isZombie: true)])
        let tree = ProcessTree(journal(started + [at(4, .kernel(.exited(worker))), at(5, .kernel(census))]))
        #expect(tree.zombies().certain == [2])
        #expect(tree.processes[0].exitedAt == nil)
    }

    @Test func withoutATraceACensusIsAllThereIs() {
        var journal = Journal(witness: .procfs(reason: "none"))
        journal.append(contentsOf: [
            at(0, .runtime(.started(initPID, program: "init"))),
            at(1, .kernel(.census([.init(pid: app, parent: initPID, name: "app", isZombie: true)]))),
        ])
        #expect(ProcessTree(journal).zombies().certain == [1])
        journal.append(at(2, .kernel(.census([.init(pid: initPID, parent: outside, name: "init", isZombie: false)]))))
        #expect(ProcessTree(journal).zombies().certain.isEmpty)
    }

    @Test func whoNobodyHasForkedIsNoProcess() {
        let stranger = ProcessID(rawValue: 4711)
        let tree = ProcessTree(
            journal(started + [at(4, .said(.hello(name: "app"), by: stranger)), at(5, .said(.ready, by: stranger))]))
        #expect(tree.processes.count == 3)
        #expect(tree.index(named: "app") == 1)
    }

    @Test func aSiblingHasTheSameParent() {
        let sibling = ProcessID(rawValue: 103)
        let tree = ProcessTree(journal(started + [at(4, .kernel(.forked(child: sibling, by: app, asSibling: true)))]))
        #expect(tree.processes[3].creator == 0)
    }

    @Test func pid1IsNotItsOwnZombie() {
        let tree = ProcessTree(journal(started + [at(4, .kernel(.exited(initPID)))]))
        #expect(tree.zombies().certain.isEmpty)
    }

    // MARK: - Zombies at the end, of which the kernel tells late

    /// The kernel tells a parent of the end of its child.
    private static func told(_ time: Int, _ parent: ProcessID, by child: ProcessID) -> Event {
        at(time, .kernel(.signalled(.chld, to: parent, from: .kernel(during: child), fate: .queued)))
    }

    private static let appExit = [at(10, .kernel(.exited(app))), told(10, initPID, by: app)]

    private static let end: [Event] = [
        at(20, .kernel(.exited(initPID))), at(21, .runtime(.exited(.exited(0), code: 0))), at(40, .kernel(.freed(app))),
    ]

    @Test func whoWasNeverWaitedForWasAZombieAtTheEnd() {
        #expect(ProcessTree(journal(started + Self.appExit + Self.end)).zombies().certain == [1])
    }

    @Test(arguments: [nil, app] as [ProcessID?])
    func whoWasWaitedForAfterItsExitWasNot(target: ProcessID?) {
        let wait = at(11, .kernel(.waited(by: initPID, for: target)))
        #expect(ProcessTree(journal(started + Self.appExit + [wait] + Self.end)).zombies().certain.isEmpty)
    }

    @Test func aWaitForAnotherDoesNotCount() {
        let other = ProcessID(rawValue: 103)
        let events = [at(4, .kernel(.forked(child: other, by: initPID)))] + Self.appExit
        let wait = at(11, .kernel(.waited(by: initPID, for: other)))
        #expect(ProcessTree(journal(started + events + [wait] + Self.end)).zombies().certain == [1])
    }

    @Test func oneWaitTakesOneChild() {
        let other = ProcessID(rawValue: 103)
        let events =
            started + [
                at(4, .kernel(.forked(child: other, by: initPID))), at(9, .kernel(.exited(other))),
                Self.told(9, initPID, by: other),
            ] + Self.appExit + [at(11, .kernel(.waited(by: initPID, for: nil)))]
        #expect(ProcessTree(journal(events + Self.end)).zombies().certain.count == 1)
        let again = at(12, .kernel(.waited(by: initPID, for: nil)))
        #expect(ProcessTree(journal(events + [again] + Self.end)).zombies().certain.isEmpty)
    }

    /// Of whom nobody was told: the parent ignores SIGCHLD, or the child was made without a signal for its end.
    @Test func aZombieOfWhomNobodyWasToldIsOneWhereItsParentDoesNotIgnoreIt() {
        func zombies(_ disposition: SignalDisposition?) -> ProcessTree.Zombies {
            let look = disposition.map { [at(5, .kernel(.disposition(initPID, .chld, $0)))] } ?? []
            return ProcessTree(journal(started + look + [at(10, .kernel(.exited(app)))] + Self.end)).zombies()
        }
        #expect(zombies(.ignored).certain.isEmpty && zombies(.ignored).doubtful.isEmpty)
        #expect(zombies(.defaultAction).certain == [1])
        #expect(zombies(nil).certain.isEmpty && zombies(nil).doubtful == [1])
    }

    /// clone(2) lets a child tell of its end by any signal.
    @Test func aZombieThatTellsByAnotherSignalIsOne() {
        let told = at(10, .kernel(.signalled(.usr1, to: initPID, from: .kernel(during: app), fate: .ignored)))
        #expect(
            ProcessTree(journal(started + [at(10, .kernel(.exited(app))), told] + Self.end)).zombies().certain == [1])
    }

    /// What the kernel says a wait took, counts: WNOWAIT and WNOHANG excuse nobody.
    @Test func aWaitThatTookNothingDoesNotCount() {
        func zombies(_ outcome: WaitOutcome?, began: Int = 11) -> ProcessTree.Zombies {
            let other = ProcessID(rawValue: 103)
            let waits =
                [at(began, .kernel(.waited(by: initPID, for: nil)))]
                + (outcome.map { [at(12, .kernel(.waitEnded(by: initPID, $0)))] } ?? [])
            // Another wait tells that this kernel tells of them.
            let known = [
                at(5, .kernel(.waited(by: other, for: nil))), at(6, .kernel(.waitEnded(by: other, .nothing))),
            ]
            let events = started + known + Self.appExit + waits
            return ProcessTree(journal(events.sorted { $0.instant < $1.instant } + Self.end)).zombies()
        }
        #expect(zombies(.child).certain.isEmpty && zombies(.child).doubtful.isEmpty)
        #expect(zombies(.nothing).certain == [1])
        #expect(zombies(.perhaps).certain.isEmpty && zombies(.perhaps).doubtful == [1])
        #expect(zombies(nil).certain == [1])
        #expect(zombies(.child, began: 9).certain.isEmpty)
        #expect(zombies(.nothing, began: 9).certain == [1])
    }

    @Test func aZombieWhoseParentEndsIsPID1s() {
        let events =
            started + [
                at(9, .kernel(.exited(worker))), Self.told(9, app, by: worker), at(10, .kernel(.exited(app))),
                Self.told(10, initPID, by: app),
            ]
        #expect(Set(ProcessTree(journal(events + Self.end)).zombies().certain) == [1, 2])
        let waits = [at(11, .kernel(.waited(by: initPID, for: nil))), at(12, .kernel(.waited(by: initPID, for: nil)))]
        #expect(ProcessTree(journal(events + waits + Self.end)).zombies().certain.isEmpty)
    }

    @Test func aGroupIsWaitedForByItsNumber() {
        let wait = at(11, .kernel(.waited(by: initPID, for: ProcessID(rawValue: 99))))
        #expect(ProcessTree(journal(started + Self.appExit + [wait] + Self.end)).zombies().certain.isEmpty)
    }

    @Test func aWaitThatWasUnderWayCounts() {
        let wait = at(9, .kernel(.waited(by: initPID, for: nil)))
        #expect(ProcessTree(journal(started + [wait] + Self.appExit + Self.end)).zombies().certain.isEmpty)
    }

    @Test func aWaitThatAnotherChildHadAnsweredDoesNot() {
        let other = ProcessID(rawValue: 103)
        let events =
            started + [
                at(4, .kernel(.forked(child: other, by: initPID))), at(8, .kernel(.waited(by: initPID, for: nil))),
                at(9, .kernel(.exited(other))), Self.told(9, initPID, by: other),
                at(15, .kernel(.freed(other))),
            ] + Self.appExit
        #expect(ProcessTree(journal(events + Self.end)).zombies().certain == [1])
    }

    // MARK: - What ended a process

    @Test func sigkillIsWhatWasSentNotWhatWasDelivered() {
        // The kernel delivers every fatal signal as SIGKILL.
        let pipe = Signal(rawValue: 13)
        let tree = ProcessTree(
            journal(
                started + [
                    at(4, .kernel(.signalled(pipe, to: worker, from: .process(worker), fate: .queued))),
                    at(5, .kernel(.delivered(.kill, to: worker, hasHandler: false))), at(6, .kernel(.exited(worker))),
                    at(7, .kernel(.signalled(.kill, to: app, from: .kernel(during: initPID), fate: .queued))),
                    at(8, .kernel(.exited(app))),
                ]))
        #expect(tree.processes[2].endedBy == pipe)
        #expect(tree.processes[1].endedBy == .kill)
    }

    @Test func aSignalToAZombieEndsNothing() {
        let tree = ProcessTree(
            journal(
                started + [
                    at(4, .kernel(.exited(worker))),
                    at(5, .kernel(.signalled(.kill, to: worker, from: .kernel(during: initPID), fate: .queued))),
                ]))
        #expect(tree.processes[2].endedBy == nil)
    }
}
