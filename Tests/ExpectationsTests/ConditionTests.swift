import Expectations
import Journal
import Model
import Reports
import Testing
import Vocabulary

/// Each kind of condition against a journal in which it holds and one in which it does not: the second is wrong in just
/// that way.
@Suite("Conditions")
struct ConditionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let condition: Condition
        let holds: Story
        let fails: Story
        /// Part of what the failure says.
        let observed: String

        var testDescription: String { "\(condition)" }
    }

    static let app = Party.service("app"), db = Party.service("db"), worker = Party.service("app.1")

    static let cases: [Case] = [
        Case(
            condition: .file(path: "/m", .exists), holds: .told { $0.look("/m", "a") },
            fails: .told { $0.look("/m", nil) },
            observed: "there is no /m"),
        Case(
            condition: .file(path: "/m", .contains("done")), holds: .told { $0.look("/m", "all done\n") },
            fails: .told { $0.look("/m", "all don") }, observed: "/m is \"all don\""),
        Case(
            condition: .file(path: "/m", .matches("^\\d+$")), holds: .told { $0.look("/m", "42\n") },
            fails: .told { $0.look("/m", "42x\n") }, observed: "/m is \"42x\\n\""),
        Case(
            condition: .file(path: "/m", .owner(Owner(user: 568, group: 568))),
            holds: .told { $0.look("/m", "", user: 568, group: 568) },
            fails: .told { $0.look("/m", "", user: 568, group: 0) }, observed: "the owner of /m is 568:0"),
        Case(
            condition: .file(path: "/m", .mode(0o640)), holds: .told { $0.look("/m", "", mode: 0o640) },
            fails: .told { $0.look("/m", "", mode: 0o4640) }, observed: "the mode of /m is 4640"),
        Case(
            condition: .portOpen(80), holds: .told { $0.add(.listening([22, 80])) },
            fails: .told { $0.add(.listening([22, 443, 8080])) }, observed: "ports 22, 443 and 8080 are open"),
        Case(
            condition: .state(.stopping), holds: .told { $0.add(.runtime(.stopping)) }, fails: .told { _ in },
            observed: "state running"),
        Case(
            condition: .state(.healthy), holds: .told { $0.add(.runtime(.becameHealthy(true))) },
            fails: .told {
                $0.add(.runtime(.becameHealthy(true)))
                $0.add(.runtime(.becameHealthy(false)))
            }, observed: "state unhealthy"),
        Case(
            condition: .state(.unhealthy), holds: .told { $0.add(.runtime(.becameHealthy(false))) },
            fails: .told { $0.add(.runtime(.checkEnded(nil, code: 1))) }, observed: "its health is not known yet"),
        Case(
            condition: .execExit(3),
            holds: .told { $0.add(.runtime(.execEnded(Story.next, .exited(3), code: 3))) },
            fails: .told { $0.add(.runtime(.execFailed(stage: "exec /no: gone", code: 127))) },
            observed: "exec exit 127"),
        Case(
            condition: .refused("paused"),
            holds: .told {
                $0.add(.runtime(.paused))
                $0.add(.runtime(.refused(reason: "the container is paused")))
            },
            fails: .told {
                $0.add(.runtime(.refused(reason: "the container is paused")))
                $0.add(.runtime(.stopRequested(.term, grace: .zero)))
            }, observed: "nothing was refused"),
        Case(
            condition: .restarts(1),
            holds: .told {
                $0.end(.exited(1))
                $0.add(.runtime(.restartScheduled(after: .milliseconds(100), count: 1)))
            },
            fails: .told {
                $0.end(.exited(1))
                $0.add(.runtime(.restartScheduled(after: .milliseconds(100), count: 1)))
                $0.add(.runtime(.startRequested))
            }, observed: "the policy has not started it again"),
        Case(
            condition: .restartDelays([.milliseconds(10)]),
            holds: .told {
                $0.end(.exited(1))
                $0.pass(10)
                $0.add(.runtime(.started(Story.next, program: "tini")))
            },
            fails: .told {
                $0.end(.exited(1))
                $0.pass(100)
                $0.add(.runtime(.started(Story.next, program: "tini")))
            }, observed: "restart delays 102 ms"),
        Case(
            condition: .state(.restarting),
            holds: .told {
                $0.end(.exited(1))
                $0.add(.runtime(.restartScheduled(after: .milliseconds(100), count: 1)))
            },
            fails: .told {
                $0.end(.exited(1))
                $0.add(.runtime(.restartScheduled(after: .milliseconds(100), count: 1)))
                $0.add(.runtime(.restartCancelled))
            }, observed: "state exited"),
        Case(
            condition: .state(.removed),
            holds: .told {
                $0.end(.exited(0))
                $0.add(.runtime(.removed))
            },
            fails: .told { $0.end(.exited(0)) }, observed: "state exited"),
        Case(
            condition: .state(.created),
            holds: .told { $0.add(.runtime(.recreated(keeping: []))) },
            fails: .told { $0.end(.exited(0)) }, observed: "state exited"),
        Case(
            condition: .markerWrittenOnce(path: "/m"),
            holds: .told {
                $0.look("/m", "a")
                $0.look("/m", "a")
            },
            fails: .told {
                $0.look("/m", "a", inode: 1)
                $0.look("/m", "a", inode: 2)
            }, observed: "/m was written 2 times"),
        Case(
            condition: .markerUnchanged(path: "/m"), holds: .told { $0.look("/m", "a") },
            fails: .told {
                $0.look("/m", "a", user: 568)
                $0.look("/m", "a", user: 0)
            }, observed: "/m has another owner"),
        Case(
            condition: .initialised(times: 1), holds: .told { $0.add(.said(.initialised, by: Story.app)) },
            fails: .told {
                $0.add(.said(.initialised, by: Story.app))
                $0.add(.said(.initialised, by: Story.app))
            }, observed: "it initialised 2 times"),
        Case(
            condition: .stepRan("schema", times: 1),
            holds: .told { $0.add(.said(.ran(step: "schema"), by: Story.app)) },
            fails: .told { $0.add(.said(.ran(step: "users"), by: Story.app)) }, observed: "step schema ran 0 times"),
        Case(
            condition: .data(path: "/d", .clean), holds: .told { $0.look("/d", "clean\n") },
            fails: .told { $0.look("/d", "dirty\n") }, observed: "/d is dirty"),
        Case(
            condition: .data(path: "/d", .dirty), holds: .told { $0.look("/d", "dirty\n") },
            fails: .told { $0.look("/d", "") }, observed: "/d holds no data of a service"),
        Case(
            condition: .ready([app, db]),
            holds: .told {
                $0.add(.said(.ready, by: Story.app)); $0.add(.said(.ready, by: Story.db))
            },
            fails: .told { $0.add(.said(.ready, by: Story.app)) }, observed: "db has not said that it is ready"),
        Case(
            condition: .ready([app]),
            holds: .told {
                $0.add(.said(.executes(program: "sleep"), by: Story.app))
                $0.add(.kernel(.executed(Story.app, path: "/bin/sleep")))
            },
            fails: .told { $0.add(.said(.executes(program: "sleep"), by: Story.app)) }, observed: "has not said"),
        Case(
            condition: .stopped(app, before: db),
            holds: .told {
                $0.exit(Story.app); $0.exit(Story.db)
            },
            fails: .told {
                $0.exit(Story.db); $0.exit(Story.app)
            }, observed: "db stopped 1.0 ms before app"),
        Case(
            condition: .received([app], .term, times: 1, from: .initProcess),
            holds: .told { $0.send(.term, to: Story.app, from: Story.initPID) },
            fails: .told {
                $0.send(.term, to: Story.app, from: Story.initPID); $0.send(.term, to: Story.app, from: Story.initPID)
            },
            observed: "app received SIGTERM from init 2 times"),
        Case(
            condition: .received([app], .term, times: nil, from: nil), holds: .told { $0.send(.term, to: Story.app) },
            fails: .told { $0.send(.term, to: Story.initPID, fate: .ignored) }, observed: "app received no SIGTERM"),
        Case(
            condition: .received([.initProcess], .term, times: 1, from: .runtime),
            holds: .told { $0.send(.term, to: Story.initPID) },
            fails: .told { $0.send(.term, to: Story.initPID, fate: .ignored) },
            observed: "PID 1 (tini) did not hear SIGTERM: it has no handler for SIGTERM, or ignores it"),
        Case(
            condition: .received([.initProcess], .term, times: 1, from: nil),
            holds: .told {
                $0.send(.term, to: Story.initPID)
                $0.add(.kernel(.delivered(.term, to: Story.initPID, hasHandler: true)))
            },
            // Queued because it was blocked at the time, and dropped when its turn came.
            fails: .told {
                $0.send(.term, to: Story.initPID)
                $0.add(.kernel(.delivered(.term, to: Story.initPID, hasHandler: false)))
            },
            observed: "PID 1 (tini) did not hear SIGTERM"),
        Case(
            condition: .received([.initProcess], .term, times: 1, from: nil),
            holds: .told {
                $0.add(.kernel(.executed(Story.initPID, path: "/usr/bin/slow"))); $0.send(.term, to: Story.initPID)
            },
            fails: .told {
                $0.add(.kernel(.executed(Story.initPID, path: "/usr/bin/slow")))
                $0.send(.term, to: Story.initPID, fate: .ignored)
            },
            observed: "SIGTERM came 1.0 ms after the exec of slow, before it can have set up a handler"),
        // It has started a child in that time: it could have set one up.
        Case(
            condition: .received([.initProcess], .term, times: 1, from: nil),
            holds: .told { $0.send(.term, to: Story.initPID) },
            fails: .told {
                $0.add(.kernel(.executed(Story.initPID, path: "/usr/bin/slow")))
                $0.add(.kernel(.forked(child: ProcessID(rawValue: 40), by: Story.initPID)))
                $0.send(.term, to: Story.initPID, fate: .ignored)
            },
            observed: "PID 1 (slow) did not hear SIGTERM: it has no handler for SIGTERM, or ignores it"),
        Case(
            condition: .received([.initProcess], .term, times: 1, from: nil),
            holds: .told { $0.send(.term, to: Story.initPID) },
            fails: .told {
                $0.add(.kernel(.executed(Story.initPID, path: "/usr/bin/slow")))
                $0.pass(20)
                $0.send(.term, to: Story.initPID, fate: .ignored)
            },
            observed: "PID 1 (slow) did not hear SIGTERM: it has no handler for SIGTERM, or ignores it"),
        Case(
            condition: .receivedNothing([worker]),
            holds: .told {
                $0.send(.term, to: Story.app); $0.send(.kill, to: Story.worker)
            },
            fails: .told { $0.send(.hup, to: Story.worker, from: Story.app) },
            observed: "app.1 received SIGHUP from app"),
        Case(
            condition: .nobodyKilled,
            holds: .told {
                $0.send(.term, to: Story.app); $0.exit(Story.app); $0.send(.kill, to: Story.app)
            },
            fails: .told {
                $0.send(.kill, to: Story.worker, from: Story.initPID); $0.exit(Story.worker)
            },
            observed: "app.1 was killed by PID 1 (tini)"),
        Case(
            condition: .killed([app]),
            holds: .told {
                $0.send(.kill, to: Story.app); $0.exit(Story.app)
            },
            fails: .told {
                $0.send(.term, to: Story.app); $0.exit(Story.app)
            }, observed: "app ended without SIGKILL"),
        Case(
            condition: .exitCode(143), holds: .told { $0.end(.exited(143)) }, fails: .told { $0.end(.exited(0)) },
            observed: "exit 0"),
        Case(
            condition: .exitCode(0), holds: .told { $0.end(.exited(0)) },
            fails: .told {
                $0.send(.term, to: Story.initPID, fate: .ignored)
                $0.end(.signaled(.kill, dumpedCore: false))
            },
            observed:
                "exit 137 (PID 1 died of SIGKILL); PID 1 (tini) did not hear SIGTERM: it has no handler for SIGTERM, or ignores it"
        ),
        Case(
            condition: .exitSignal(.kill), holds: .told { $0.end(.signaled(.kill, dumpedCore: false)) },
            fails: .told { $0.end(.exited(137)) }, observed: "PID 1 exited 137"),
        Case(
            condition: .zombies(0),
            holds: .told {
                $0.exit(Story.app); $0.add(.kernel(.freed(Story.app)))
            },
            fails: .told { $0.exit(Story.app) }, observed: "1 zombie: app"),
        Case(
            condition: .zombies(2),
            holds: .told {
                $0.exit(Story.app); $0.exit(Story.db)
            },
            fails: .told { $0.exit(Story.app) }, observed: "1 zombie"),
        Case(
            condition: .orphansReaped,
            holds: .told {
                $0.exit(Story.app); $0.exit(Story.worker); $0.add(.kernel(.freed(Story.worker)))
            },
            fails: .told {
                $0.exit(Story.app); $0.exit(Story.worker)
            }, observed: "0 of 1 orphans were reaped"),
        Case(
            condition: .orphansReaped,
            holds: .told {
                $0.exit(Story.app); $0.exit(Story.worker); $0.add(.kernel(.freed(Story.worker)))
            },
            fails: .told { _ in }, observed: "there were no orphans"),
        Case(
            condition: .noProcessesLeft,
            holds: .told {
                $0.exit(Story.app); $0.exit(Story.worker); $0.exit(Story.db)
            },
            fails: .told {
                $0.exit(Story.app); $0.exit(Story.db)
            }, observed: "1 process: app.1"),
        Case(
            condition: .state(.running), holds: .told { _ in }, fails: .told { $0.end(.exited(3)) },
            observed: "state exited: PID 1 exited 3"),
        Case(
            condition: .outputContains("bye"), holds: .told { $0.add(.printed("good bye", on: .stdout)) },
            fails: .told { $0.add(.printed("good day", on: .stdout)) }, observed: "\"bye\" was not printed"),
        Case(
            condition: .outputLine("bye"),
            holds: .told {
                $0.add(.printed("\u{1B}[1m", on: .stdout, isWhole: false))
                $0.add(.printed("bye\u{1B}[0m", on: .stdout))
            },
            fails: .told { $0.add(.printed("good bye", on: .stdout)) },
            observed: "there is no line \"bye\"; there is \"good bye\""),
        Case(
            condition: .outputLinesInOrder(["a", "b"]),
            holds: .told {
                $0.add(.printed("a", on: .stdout)); $0.add(.printed("b", on: .stderr))
            },
            fails: .told {
                $0.add(.printed("a", on: .stdout)); $0.add(.printed("bb", on: .stderr))
            }, observed: "there is no line \"b\" after the others"),
        Case(
            condition: .outputContains("bye", in: .exec),
            holds: .told {
                $0.add(.runtime(.execStarted(Story.next, program: "echo")))
                $0.add(.printed("bye", on: .execStdout))
            },
            fails: .told {
                $0.add(.runtime(.execStarted(Story.next, program: "echo")))
                $0.add(.printed("bye", on: .stdout))
            }, observed: "the exec printed nothing"),
        // What an exec prints is not PID 1's, and what an earlier life has printed not the present one's.
        Case(
            condition: .outputContains("bye", in: .allLives),
            holds: .told {
                $0.add(.printed("bye", on: .stdout))
                $0.end(.exited(0))
                $0.add(.runtime(.started(Story.next, program: "tini")))
            },
            fails: .told { $0.add(.printed("bye", on: .execStderr)) }, observed: "nothing was printed"),
        Case(
            condition: .outputContains("bye"), holds: .told { $0.add(.printed("bye: ", on: .stdout, isWhole: false)) },
            fails: .told {
                $0.add(.printed("bye", on: .stdout))
                $0.end(.exited(0))
                $0.add(.runtime(.started(Story.next, program: "tini")))
            }, observed: "nothing was printed; an earlier life printed it"),
        Case(
            condition: .noServiceKilled,
            holds: .told { $0.send(.kill, to: Story.initPID) },
            fails: .told { $0.send(.kill, to: Story.worker) }, observed: "app.1 was killed"),
        Case(
            condition: .zombies(1, orMore: true),
            holds: .told {
                $0.exit(Story.app)
                $0.exit(Story.db)
            },
            fails: .told { _ in }, observed: "no zombies"),
        Case(
            condition: .ready([.initProcess]), holds: .told { _ in },
            fails: .told { $0.add(.runtime(.recreated(keeping: []))) }, observed: "init was never started"),
        Case(
            condition: .outputInOrder(["a", "b"]),
            holds: .told {
                $0.add(.printed("a", on: .stdout)); $0.add(.printed("b", on: .stderr))
            },
            fails: .told {
                $0.add(.printed("b", on: .stdout)); $0.add(.printed("a", on: .stdout))
            }, observed: "\"b\" was not printed after the others"),
        Case(
            condition: .stopTook(.lessThan(.milliseconds(100))), holds: .told { stop(&$0, taking: 50) },
            fails: .told { stop(&$0, taking: 200) }, observed: "the stop took 202 ms"),
        Case(
            condition: .stopTook(.atLeast(.milliseconds(100))), holds: .told { stop(&$0, taking: 200) },
            fails: .told { stop(&$0, taking: 50) }, observed: "the stop took 52.0 ms"),
    ]

    private static func stop(_ story: inout Story, taking milliseconds: Int) {
        story.add(.runtime(.stopRequested(.term, grace: .seconds(10))))
        story.pass(milliseconds)
        story.end(.exited(0))
    }

    @Test(arguments: cases)
    func holds(example: Case) {
        #expect(example.holds.judge(example.condition).answer == .yes)
    }

    @Test(arguments: cases)
    func failsWhenItIsNotSo(example: Case) {
        let judgement = example.fails.judge(example.condition)
        #expect(judgement.answer == .no)
        #expect(judgement.observed.contains(example.observed), "\(judgement.observed)")
    }

    @Test func everyKindHasItsControl() {
        #expect(Set(Self.cases.map(\.condition.kind)) == Set(Condition.Kind.allCases))
    }

    // MARK: - Lives

    @Test func aStopIsThatOfTheLifeThatItEnded() {
        let story = Story.told {
            Self.stop(&$0, taking: 200)
            $0.add(.runtime(.started(Story.next, program: "tini")))
        }
        #expect(story.judge(.stopTook(.atLeast(.milliseconds(200)))).answer == .yes)
        #expect(story.judge(.stopTook(.lessThan(.milliseconds(200)))).answer == .no)
    }

    @Test func theFormerLifeDoesNotCount() {
        let story = Story.told {
            $0.add(.said(.ready, by: Story.app))
            $0.end(.signaled(.kill, dumpedCore: false))
            $0.add(.runtime(.started(Story.next, program: "tini")))
        }
        #expect(story.judge(.ready([Self.app])).answer == .no)
        #expect(story.judge(.state(.running)).answer == .yes)
        #expect(story.judge(.exitCode(137)).answer == .no)
        #expect(story.judge(.zombies(0)).answer == .yes)
        #expect(story.judge(.nobodyKilled).answer == .yes)
    }

    /// A daemon is an orphan by design; so is whoever watches over one. Others are meant, also beside them.
    @Test func whoKeepsAServiceIsNoOrphanThatIsLeft() {
        let watcher = ProcessID(rawValue: 300), daemon = ProcessID(rawValue: 301), starter = ProcessID(rawValue: 302)
        func story(isNamed: Bool) -> Story {
            Story.told {
                $0.add(.kernel(.forked(child: starter, by: Story.initPID)))
                $0.add(.kernel(.forked(child: watcher, by: starter)))
                $0.add(.kernel(.forked(child: daemon, by: watcher)))
                if isNamed { $0.add(.said(.hello(name: "web"), by: daemon)) }
                $0.exit(starter)
                $0.add(.kernel(.absent([starter])))
                $0.exit(Story.app)
                $0.add(.kernel(.absent([Story.app])))
                $0.exit(Story.worker)
                $0.add(.kernel(.absent([Story.worker])))
            }
        }
        #expect(story(isNamed: true).judge(.orphansReaped).answer == .yes)
        #expect(story(isNamed: false).judge(.orphansReaped).answer == .no)
    }

    /// The word of what it is about to become may come when it has, and has become something else since; what it was before
    /// it was a fake does not count.
    @Test func wordsThatComeAfterTheDeedCount() {
        func story(_ paths: String...) -> Story {
            Story.told {
                for path in paths { $0.add(.kernel(.executed(Story.app, path: path))) }
                $0.add(.said(.hello(name: "late"), by: Story.app))
                $0.add(.said(.executes(program: "sh"), by: Story.app))
            }
        }
        let fake = "/.harness/fake-services"
        #expect(story(fake, "/bin/sh", "/bin/sleep").judge(.ready([.service("late")])).answer == .yes)
        #expect(story("/bin/sh", fake).judge(.ready([.service("late")])).answer == .no)
    }

    @Test func anExecThatGoesOnHasNoStatusYet() {
        let story = Story.told {
            $0.add(.runtime(.execEnded(Story.next, .exited(0), code: 0)))
            $0.add(.runtime(.execStarted(Story.next, program: "sleep")))
        }
        #expect(story.judge(.execExit(0)).answer == .no)
    }

    @Test func aMarkerMayBeNewWhereTheVolumeIs() {
        let story = Story.told {
            $0.look("/m", "a", inode: 1)
            $0.add(.runtime(.volumeRemoved("data", at: "/m")))
            $0.look("/m", nil)
            $0.look("/m", "b", inode: 2)
        }
        #expect(story.judge(.markerUnchanged(path: "/m")).answer == .yes)
        #expect(story.judge(.markerWrittenOnce(path: "/m")).answer == .yes)
    }

    @Test func aMarkerOnAVolumeOutlivesTheContainer() {
        for (kept, answer) in [(["/data"], Judgement.Answer.no), ([], .yes)] {
            let story = Story.told {
                $0.look("/data/m", "a", inode: 1)
                $0.add(.runtime(.recreated(keeping: kept)))
                $0.look("/data/m", "b", inode: 2)
            }
            #expect(story.judge(.markerUnchanged(path: "/data/m")).answer == answer, "\(kept)")
        }
    }

    @Test func aNewContainerHasNoStateOfTheOldOne() {
        let story = Story.told {
            $0.end(.exited(1))
            $0.add(.runtime(.restartScheduled(after: .milliseconds(100), count: 1)))
            $0.add(.runtime(.recreated(keeping: [])))
        }
        for condition in [Condition.state(.restarting), .state(.exited), .state(.running), .restarts(1), .exitCode(1)] {
            #expect(story.judge(condition).answer == .no, "\(condition)")
        }
        #expect(story.judge(.state(.created)).answer == .yes)
    }

    /// A look from before says nothing of a container that is gone, neither yes nor no.
    @Test func whatIsGoneHasNoFiles() {
        let gone = Story.told {
            $0.look("/m", "a")
            $0.end(.exited(0))
            $0.add(.runtime(.removed))
        }
        let new = Story.told {
            $0.look("/m", "a")
            $0.add(.runtime(.recreated(keeping: ["/m"])))
        }
        for story in [gone, new] {
            for isNegated in [false, true] {
                let expectation = Expectation(.file(path: "/m", .exists), isNegated: isNegated)
                #expect(JournalView(story.journal).judge(expectation).answer == .no)
            }
        }
    }

    @Test func aMarkerThatIsThereBeforeTheWorkIsDoneIsWrong() {
        let story = Story.told {
            $0.add(.said(.ran(step: "schema"), by: Story.app))
            $0.look("/m", "a")
            $0.add(.said(.initialised, by: Story.app))
            $0.look("/m", "a")
        }
        let judgement = story.judge(.markerWrittenOnce(path: "/m"))
        #expect(judgement.answer == .no)
        #expect(judgement.observed == "/m was there before the work was done")
    }

    @Test func aDelayOutsideThePolicysRangeFails() {
        func story(gap: Int) -> Story {
            Story.told {
                $0.end(.exited(1))
                $0.add(.runtime(.restartScheduled(after: .milliseconds(100), count: 1)))
                $0.pass(gap - 3)
                $0.add(.runtime(.started(Story.next, program: "tini")))
            }
        }
        let condition = Condition.restartDelays([.milliseconds(100)])
        #expect(story(gap: 99).judge(condition).answer == .no)
        #expect(story(gap: 100).judge(condition).answer == .yes)
        // The upper limit counts from the runtime's word, a millisecond after the kernel's.
        #expect(story(gap: 131).judge(condition).answer == .yes)
        #expect(story(gap: 132).judge(condition).answer == .no)
        #expect(story(gap: 100).judge(.restartDelays([.milliseconds(100), .milliseconds(200)])).answer == .no)
    }

    // MARK: - Files

    @Test func whatIsNotThereHasNoPropertiesEither() {
        let story = Story.told { $0.look("/m", nil) }
        for state: Condition.FileState in [.contains("a"), .matches("a"), .owner(.root), .mode(0o644)] {
            let none = Expectation(.file(path: "/m", state), isNegated: true)
            #expect(JournalView(story.journal).judge(none).answer == .no, "\(state)")
        }
        let absent = Expectation(.file(path: "/m", .exists), isNegated: true)
        #expect(JournalView(story.journal).judge(absent).answer == .yes)
    }

    @Test func theLastLookCountsAndOneIsNeeded() {
        let story = Story.told {
            $0.look("/m", "old"); $0.look("/other", "x"); $0.look("/m", "new")
        }
        #expect(story.judge(.file(path: "/m", .contains("new"))).answer == .yes)
        #expect(story.judge(.file(path: "/m", .contains("old"))).answer == .no)
        if case .unknown = Story().judge(.file(path: "/m", .exists)).answer { return }
        Issue.record("decided without a look")
    }

    @Test func ofAFileThatWasNotReadToItsEndTheRestIsUnknown() {
        let story = Story.told { $0.look("/m", "beginning", isCut: true) }
        #expect(story.judge(.file(path: "/m", .contains("begin"))).answer == .yes)
        for state: Condition.FileState in [.contains("end"), .matches("^beg"), .matches("ing$")] {
            if case .unknown = story.judge(.file(path: "/m", state)).answer { continue }
            Issue.record("\(state) was decided on a beginning")
        }
    }

    @Test func aRegularExpressionSeesCharactersNotClusters() {
        let story = Story.told { $0.look("/m", "abc\r\ne\u{301}\r\n") }
        for pattern in ["c\r", "\r$", "e", "^abc"] {
            #expect(story.judge(.file(path: "/m", .matches(pattern))).answer == .yes, "\(pattern)")
        }
    }

    /// One that goes back and tries again would take longer than there is time.
    @Test(.timeLimit(.minutes(10))) func aRegularExpressionDoesNotGoBack() {
        let story = Story.told { $0.look("/m", String(repeating: "a", count: 2000) + "b") }
        for pattern in ["^(a|aa)+$", "^(a*)*$", "(.*)*c", "^(a?){40}a{40}c"] {
            #expect(story.judge(.file(path: "/m", .matches(pattern))).answer == .no, "\(pattern)")
        }
        #expect(story.judge(.file(path: "/m", .matches("^(a|aa)+b$"))).answer == .yes)
    }

    @Test func aRegularExpressionSeesTheTextWithoutItsLastNewline() {
        let story = Story.told { $0.look("/m", "2026-11-21T02:32:06Z\n") }
        #expect(story.judge(.file(path: "/m", .matches("^\\d{4}-\\d\\d-\\d\\dT.*Z$"))).answer == .yes)
        #expect(story.judge(.file(path: "/m", .matches("^Z$"))).answer == .no)
    }

    // MARK: - No

    @Test func noOfSeveralIsNoneOfThem() {
        let story = Story.told { $0.send(.term, to: Story.app) }
        let one = Expectation(.received([Self.app, Self.db], .term, times: nil, from: nil), isNegated: true)
        #expect(JournalView(story.journal).judge(one).answer == .no)
        let none = Expectation(.received([Self.worker, Self.db], .term, times: nil, from: nil), isNegated: true)
        #expect(JournalView(story.journal).judge(none).answer == .yes)
    }

    @Test func aServiceThatNeverCameDidNotEvenNotReceive() {
        let ghost = Expectation(.received([.service("ghost")], .term, times: nil, from: nil), isNegated: true)
        #expect(JournalView(Story().journal).judge(ghost).answer == .no)
    }

    @Test func noTimesIsANumberToo() {
        #expect(Story().judge(.received([Self.app], .usr1, times: 0, from: nil)).answer == .yes)
        #expect(
            Story.told { $0.send(.usr1, to: Story.app) }.judge(.received([Self.app], .usr1, times: 0, from: nil)).answer
                == .no)
    }

    @Test func aSignalWithoutItsSenderHasArrived() {
        let story = Story.told { $0.send(.term, to: Story.app, fate: .informationLost) }
        #expect(story.judge(.received([Self.app], .term, times: 1, from: nil)).answer == .yes)
        let lost = Story.told { $0.send(.term, to: Story.app, fate: .queueFull) }
        #expect(lost.judge(.received([Self.app], .term, times: 1, from: nil)).answer == .no)
    }

    // MARK: - Nobody's word

    @Test func whoHasNotExecutedTheFakesIsNoService() {
        let story = Story.told {
            $0.add(.kernel(.forked(child: Story.other, by: Story.initPID)))
            $0.add(.kernel(.executed(Story.other, path: "/usr/bin/python3")))
            $0.add(.said(.claimed(name: "ghost"), by: Story.other))
            $0.add(.said(.ready, by: Story.other))
        }
        let judgement = story.judge(.ready([.service("ghost")]))
        #expect(judgement.answer == .no)
        #expect(judgement.observed.hasPrefix("ghost was never started: python3 ("), "\(judgement.observed)")
        #expect(judgement.observed.hasSuffix("says that it is ghost, but never executed that service"))
    }

    @Test func aNameThatOnlyItsBearerKnowsIsUnknownWithoutATrace() {
        var story = Story(witness: .procfs(reason: "no tracefs"))
        story.add(.said(.claimed(name: "ghost"), by: Story.other))
        story.add(.said(.ready, by: Story.other))
        guard case .unknown = story.judge(.ready([.service("ghost")])).answer else {
            Issue.record("believed")
            return
        }
    }

    @Test func twoOfOneNameAtOnceAreUnknown() {
        func story(firstEnds: Bool) -> Story {
            .told {
                if firstEnds { $0.exit(Story.app) }
                $0.add(.kernel(.forked(child: Story.other, by: Story.initPID)))
                $0.add(.kernel(.executed(Story.other, path: "/.harness/fake-services")))
                $0.add(.said(.hello(name: "app"), by: Story.other))
                $0.add(.said(.ready, by: Story.other))
            }
        }
        guard case .unknown(let reason) = story(firstEnds: false).judge(.ready([Self.app])).answer else {
            Issue.record("decided")
            return
        }
        #expect(reason == "two processes are 'app' at once, 101 and 104: it is not known which is meant")
        #expect(story(firstEnds: true).judge(.ready([Self.app])).answer == .yes)
    }

    /// SIGKILL by way of a tracer is sent by nobody.
    @Test func aKillByATracerIsOne() {
        let killed = Story.told {
            $0.add(.kernel(.traced(Story.app)))
            $0.add(.kernel(.delivered(.kill, to: Story.app, hasHandler: false)))
            $0.exit(Story.app)
            $0.add(.kernel(.ended(Story.app, .killed)))
        }
        #expect(killed.judge(.nobodyKilled).answer == .no)
        #expect(killed.judge(.killed([Self.app])).answer == .yes)
        let doubtful = Story.told {
            $0.send(.term, to: Story.app)
            $0.add(.kernel(.traced(Story.app)))
            $0.add(.kernel(.delivered(.kill, to: Story.app, hasHandler: false)))
            $0.exit(Story.app)
            $0.add(.kernel(.ended(Story.app, .killed)))
        }
        for condition: Condition in [.nobodyKilled, .noServiceKilled, .killed([Self.app])] {
            if case .unknown = doubtful.judge(condition).answer { continue }
            Issue.record("\(condition) was decided of a traced process")
        }
    }

    /// Of a real program: what is queued is not received yet.
    @Test func aSignalThatIsBlockedIsNotReceived() {
        func story(_ body: @escaping (inout Story) -> Void) -> Story {
            .told {
                $0.add(.said(.executes(program: "/usr/bin/sleep"), by: Story.app))
                $0.add(.kernel(.executed(Story.app, path: "/usr/bin/sleep")))
                $0.send(.term, to: Story.app)
                body(&$0)
            }
        }
        let condition = Condition.received([Self.app], .term, times: 1, from: nil)
        let waiting = story { $0.add(.kernel(.pending(Story.app, [.term]))) }.judge(condition)
        #expect(waiting.answer == .no)
        #expect(waiting.observed.contains("SIGTERM waits: app blocks it, and has not taken it"))
        #expect(story { $0.add(.kernel(.pending(Story.app, []))) }.judge(condition).answer == .yes)
        #expect(
            story { $0.add(.kernel(.delivered(.term, to: Story.app, hasHandler: true))) }.judge(condition).answer
                == .yes)
        for doubtful in [
            story { $0.exit(Story.app) },
            story {
                $0.add(.kernel(.traced(Story.app)))
                $0.add(.kernel(.pending(Story.app, [])))
            },
        ] {
            if case .unknown = doubtful.judge(condition).answer { continue }
            Issue.record("decided of a signal of which nobody knows whether it was taken")
        }
    }

    /// Its times can be set back, but for ctime.
    @Test func aMarkerThatIsGivenItsOldTimeIsNotWrittenOnce() {
        let story = Story.told {
            $0.look("/m", "done", changed: 1)
            $0.look("/m", "done", changed: 2)
        }
        guard case .unknown = story.judge(.markerWrittenOnce(path: "/m")).answer else {
            Issue.record("its mtime was believed")
            return
        }
        #expect(story.judge(.markerUnchanged(path: "/m")).answer == .no)
    }

    @Test func theOrderOfTwoStreamsThatAreReadAtOnceIsNotKnown() {
        let story = Story.told {
            $0.together(.printed("serving", on: .stdout), .printed("warming", on: .stderr))
        }
        for texts in [["warming", "serving"], ["serving", "warming"]] {
            guard case .unknown(let reason) = story.judge(.outputInOrder(texts)).answer else {
                Issue.record("\(texts) was decided")
                continue
            }
            #expect(reason.contains("printed within one reading") && reason.contains("2>&1"))
        }
        let apart = Story.told {
            $0.add(.printed("warming", on: .stderr)); $0.add(.printed("serving", on: .stdout))
        }
        #expect(apart.judge(.outputInOrder(["warming", "serving"])).answer == .yes)
        #expect(apart.judge(.outputInOrder(["serving", "warming"])).answer == .no)
    }

    @Test func aTextMayStandAcrossThePiecesOfALongLine() {
        let story = Story.told {
            $0.add(.printed("xxNEE", on: .stdout, isWhole: false))
            $0.add(.printed("DLExx", on: .stdout))
        }
        #expect(story.judge(.outputContains("NEEDLE")).answer == .yes)
        let apart = Story.told {
            $0.add(.printed("NEE", on: .stdout)); $0.add(.printed("DLE", on: .stdout))
        }
        #expect(apart.judge(.outputContains("NEEDLE")).answer == .no)
    }

    @Test func controlCharactersAreShownNotObeyed() {
        let story = Story.told { $0.add(.printed("a\u{1B}[2Kb\u{7}c", on: .stdout)) }
        let view = JournalView(story.journal)
        #expect(view.line(story.journal.events.last!).hasSuffix("ab\\u{7}c"))
    }

    // MARK: - What cannot be known

    @Test(arguments: cases.map(\.condition))
    func withLostEventsNothingThatNeedsThemIsCertain(condition: Condition) {
        let story = Story.told { $0.add(.kernel(.lost(count: 3))) }
        let answer = story.judge(condition).answer
        if condition.kind.needs.kernelEvents {
            #expect(answer == .unknown("the witness lost 3 events"))
        } else {
            #expect(answer != .yes || condition == .state(.running) || condition == .ready([.initProcess]))
        }
    }

    /// The whole table: what each witness can tell of each kind of condition, once the container runs and once it has ended.
    struct Sight: Sendable, CustomTestStringConvertible {
        let condition: Condition
        /// Whether a witness without a trace can tell, while PID 1 runs and when it has ended.
        let running: Bool
        let ended: Bool

        var testDescription: String { "\(condition)" }
    }

    static let sights: [Sight] = [
        Sight(condition: .ready([app]), running: true, ended: true),
        Sight(condition: .ready([.initProcess]), running: true, ended: true),
        Sight(condition: .stopped(app, before: db), running: true, ended: true),
        Sight(condition: .received([app], .term, times: nil, from: nil), running: false, ended: false),
        Sight(condition: .received([app], .term, times: 0, from: nil), running: false, ended: false),
        Sight(condition: .receivedNothing([app]), running: false, ended: false),
        Sight(condition: .nobodyKilled, running: false, ended: false),
        Sight(condition: .noServiceKilled, running: false, ended: false),
        Sight(condition: .killed([app]), running: false, ended: false),
        Sight(condition: .exitCode(0), running: true, ended: true),
        Sight(condition: .exitSignal(.kill), running: true, ended: true),
        Sight(condition: .execExit(0), running: true, ended: true),
        Sight(condition: .zombies(0), running: true, ended: false),
        Sight(condition: .orphansReaped, running: false, ended: false),
        Sight(condition: .noProcessesLeft, running: true, ended: true),
        Sight(condition: .state(.running), running: true, ended: true),
        Sight(condition: .refused(nil), running: true, ended: true),
        Sight(condition: .restarts(0), running: true, ended: true),
        Sight(condition: .restartDelays([.milliseconds(100)]), running: true, ended: true),
        Sight(condition: .outputContains("x"), running: true, ended: true),
        Sight(condition: .outputLine("x"), running: true, ended: true),
        Sight(condition: .outputInOrder(["x"]), running: true, ended: true),
        Sight(condition: .outputLinesInOrder(["x"]), running: true, ended: true),
        Sight(condition: .outputContains("x", in: .exec), running: true, ended: true),
        Sight(condition: .markerWrittenOnce(path: "/m"), running: true, ended: true),
        Sight(condition: .markerUnchanged(path: "/m"), running: true, ended: true),
        Sight(condition: .file(path: "/m", .exists), running: true, ended: true),
        Sight(condition: .file(path: "/m", .contains("x")), running: true, ended: true),
        Sight(condition: .file(path: "/m", .matches("x")), running: true, ended: true),
        Sight(condition: .file(path: "/m", .owner(.root)), running: true, ended: true),
        Sight(condition: .file(path: "/m", .mode(0o644)), running: true, ended: true),
        Sight(condition: .initialised(times: 1), running: true, ended: true),
        Sight(condition: .stepRan("x", times: 1), running: true, ended: true),
        Sight(condition: .data(path: "/m", .clean), running: true, ended: true),
        Sight(condition: .stopTook(.lessThan(.seconds(1))), running: true, ended: true),
        Sight(condition: .portOpen(80), running: true, ended: true),
    ]

    @Test func theTableOfWitnessesIsWhole() {
        #expect(Set(Self.sights.map(\.condition.kind)) == Set(Condition.Kind.allCases))
    }

    /// What a witness cannot see is unknown: neither a pass nor a failure. With a trace everything is decided.
    @Test(arguments: sights)
    func aWitnessSaysWhatItCannotSee(sight: Sight) {
        for (witness, isDecided) in [
            (Witness.tracefs, (true, true)), (.procfs(reason: "no tracefs"), (sight.running, sight.ended)),
        ] {
            var story = Story(witness: witness)
            story.look("/m", "clean")
            story.add(.listening([22]))
            // What it does not wait for is reaped by the kernel.
            story.add(.kernel(.disposition(Story.initPID, .chld, .ignored)))
            func check(_ expected: Bool, _ when: String) {
                let answer = story.judge(sight.condition).answer
                let isKnown = if case .unknown = answer { false } else { true }
                #expect(isKnown == expected, "\(witness), \(when): \(answer)")
            }
            check(isDecided.0, "running")
            // In two looks: which of two ends came first is known.
            story.exit(Story.app)
            story.exit(Story.db)
            story.end(.exited(0))
            check(isDecided.1, "ended")
        }
    }

    /// That a real program has been executed only a trace shows.
    @Test func withoutATraceTheReadinessOfARealProgramIsUnknown() {
        let story = Story.told(witness: .procfs(reason: "no tracefs")) {
            $0.add(.said(.executes(program: "sleep"), by: Story.app))
        }
        if case .unknown = story.judge(.ready([Self.app])).answer { return }
        Issue.record("decided by a witness that sees no exec")
    }

    @Test func endsThatWereFoundTogetherHaveNoOrder() {
        var story = Story(witness: .procfs(reason: "no tracefs"))
        story.together(.kernel(.exited(Story.app)), .kernel(.exited(Story.db)))
        for condition in [Condition.stopped(Self.app, before: Self.db), .stopped(Self.db, before: Self.app)] {
            if case .unknown = story.judge(condition).answer { continue }
            Issue.record("\(condition) was decided")
        }
    }

    @Test func outputThatWasNotKeptMayHaveHeldIt() {
        let story = Story.told { $0.add(.dropped(bytes: 10, of: .stream(.stdout))) }
        if case .unknown = story.judge(.outputContains("x")).answer { return }
        Issue.record("decided without all of the output")
    }

    @Test func aServiceThatNeverCameHoldsNothing() {
        let ghost = Party.service("ghost")
        let story = Story.told { _ in }
        for condition: Condition in [
            .ready([ghost]), .stopped(ghost, before: Self.app), .stopped(Self.app, before: ghost), .killed([ghost]),
            .received([ghost], .term, times: 0, from: nil), .receivedNothing([ghost]),
        ] {
            #expect(story.judge(condition).answer == .no, "\(condition)")
        }
    }
}
