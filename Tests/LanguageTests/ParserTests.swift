import Language
import Model
import Testing
import Vocabulary

@Suite("The scenario language")
struct ParserTests {
    static let whole = """
        # The seeds of many outages: PID 1 gets the signal,
        # its services don't.
        scenario "services stop in reverse order of start"
          tags order, stop
          requires supervision, ordering
          runtime docker
          stop signal SIGTERM grace 10s
          hostname box
          env A=1
          tmpfs /run, /tmp
          service db
            ready after 50ms
            stop takes 200ms
            ignores HUP, USR1
            exits 3 on USR2
            spawns 2 children in own session
            leaves 4 orphans living 1s
            leaves 1 zombie
          service api after db   # a comment
            dies of SEGV after 1s

          start
          expect db, api ready within 5s
          wait 10ms
          wait for output contains "a \\"b\\"" within 1s
          signal HUP to db
          crash api
          kill TERM
          stop grace 1s
          expect api stopped before db
          expect api, db.1 received SIGTERM once
          expect db received TERM 2 times from init
          expect db received nothing
          expect nobody killed
          expect api killed
          expect exit 0 within 2s
          expect exit on KILL
          expect no zombies
          expect 5 zombies
          expect orphans reaped within 1s
          expect no processes left
          expect state exited
          expect no api ready for 1s
          expect output in order "a", "b, c"
          expect stop took less than 2s
          expect stop took at least 1s
        """

    @Test func readsEveryWord() throws {
        let parsed = parseScenarios(Array(Self.whole.utf8), file: "a.scenario")
        #expect(parsed.diagnostics.isEmpty)
        let scenario = try #require(parsed.values.first)
        #expect(scenario.title == "services stop in reverse order of start")
        #expect(scenario.summary == "The seeds of many outages: PID 1 gets the signal,\nits services don't.")
        #expect(scenario.tags == ["order", "stop"])
        #expect(scenario.requires == [.supervision, .ordering])
        #expect(scenario.stop == StopPolicy(signal: .term, grace: .seconds(10)))
        #expect(scenario.settings.tmpfs == ["/run", "/tmp"])
        #expect(scenario.settings.environment == ["A=1"])
        #expect(scenario.services.map(\.name) == ["db", "api"])
        #expect(scenario.services[1].after == ["db"])
        #expect(
            scenario.services[0].traits == [
                .readyAfter(.milliseconds(50)), .stopTakes(.milliseconds(200)), .ignores([.hup, .usr1]),
                .exitsOn(code: 3, .usr2),
                .spawns(count: 2, ownSession: true), .leavesOrphans(count: 4, living: .seconds(1)),
                .leavesZombies(count: 1),
            ])
        let db = Party.service("db"), api = Party.service("api")
        let conditions = scenario.steps.compactMap { step -> Model.Expectation? in
            if case .expect(let expectation) = step.action { expectation } else { nil }
        }
        #expect(
            conditions == [
                Model.Expectation(.ready([db, api]), within: .seconds(5)), Model.Expectation(.stopped(api, before: db)),
                Model.Expectation(.received([api, .service("db.1")], .term, times: 1, from: nil)),
                Model.Expectation(.received([db], .term, times: 2, from: .initProcess)),
                Model.Expectation(.receivedNothing([db])),
                Model.Expectation(.nobodyKilled), Model.Expectation(.killed([api])),
                Model.Expectation(.exitCode(0), within: .seconds(2)),
                Model.Expectation(.exitSignal(.kill)), Model.Expectation(.zombies(0)), Model.Expectation(.zombies(5)),
                Model.Expectation(.orphansReaped, within: .seconds(1)), Model.Expectation(.noProcessesLeft),
                Model.Expectation(.state(.exited)),
                Model.Expectation(.ready([api]), isNegated: true, for: .seconds(1)),
                Model.Expectation(.outputInOrder(["a", "b, c"])),
                Model.Expectation(.stopTook(.lessThan(.seconds(2)))),
                Model.Expectation(.stopTook(.atLeast(.seconds(1)))),
            ])
        #expect(
            scenario.steps.prefix(7).map(\.action) == [
                .start, .expect(conditions[0]), .wait(.milliseconds(10)),
                .waitFor(.outputContains("a \"b\""), within: .seconds(1)), .signal(.hup, to: db),
                .crash(service: "api"),
                .kill(.term),
            ])
    }

    /// A scenario in which every condition can be asked.
    static let asking = """
        scenario "x"
          restart policy always
          service db
            spawns 2 children
            writes data /d
          service api
            leaves 1 orphan living 1s
          start
          stop

        """

    static let otherConditions = [
        "exec exit 3", "restarts 3", "restart delays 100ms, 200ms", "marker /m written once", "marker /m unchanged",
        "file /m exists",
        "file /m contains \"a\"", "file /m matches /a b\\/c/", "file /m owner 568:568", "file /m mode 1777",
        "initialised 2 times", "step s ran once", "data /d dirty", "state restarting", "output contains 'a \"b\"'",
        "output line \"a\"", "output of all lives lines in order \"a\", \"b\"", "exec output contains \"a\"",
        "exec output lines in order \"a\", \"b\"", "output of all lives in order \"a\", \"b\"", "no service killed",
        "at least 1 zombie", "at least 3 zombies", "refused", "refused \"paused\"", "port 8080 open",
    ]

    @Test func everyConditionIsReadBackFromItsText() throws {
        let whole = try #require(parseScenarios(Array(Self.whole.utf8), file: "a.scenario").values.first)
        var texts = Self.otherConditions
        for case .expect(let expectation) in whole.steps.map(\.action) { texts.append(expectation.description) }
        var kinds: Set<Condition.Kind> = []
        for text in texts {
            let parsed = parseScenarios(Array((Self.asking + "  expect \(text)\n").utf8), file: "b")
            // Questions about an entrypoint, of which this scenario has none.
            // And one in a life that has only just begun.
            #expect(
                parsed.diagnostics.allSatisfy {
                    [.undecidable, .provesNothing, .tooEarly].contains($0.id)
                },
                "\(text)")
            guard case .expect(let expectation)? = parsed.values.first?.steps.last?.action else {
                Issue.record("\(text) is no expectation")
                continue
            }
            #expect(expectation.description == text)
            kinds.insert(expectation.condition.kind)
        }
        #expect(kinds == Set(Condition.Kind.allCases))
    }

    @Test(arguments: ["\r\n", "\n"], [true, false])
    func lineEndsAndByteOrderMarkDoNotMatter(end: String, hasMark: Bool) {
        let text = "scenario \"x\"\n\tservice a\n\tstart\n\texpect a ready".replacing("\n", with: end)
        let parsed = parseScenarios((hasMark ? [0xEF, 0xBB, 0xBF] : []) + Array(text.utf8), file: "x")
        #expect(parsed.diagnostics.isEmpty)
        #expect(parsed.values.first?.steps.count == 2)
        #expect(parsed.values.first?.steps.last?.place == SourcePlace(file: "x", line: 4, column: 2))
    }

    @Test func quotesAreTakenAsInAShell() {
        let text =
            "scenario \"x\"\n  command sh -c \"echo \\\"a\\\" $1\\n\" 'it is \"b\"' A=\"c d\"\n  start\n  expect exit 0\n"
        let payload = parseScenarios(Array(text.utf8), file: "x").values.first?.settings.payload
        #expect(payload == .command(["sh", "-c", "echo \"a\" $1\n", "it is \"b\"", "A=c d"]))
    }

    @Test(arguments: [
        ("command x {command}\n  abilities supervision", Diagnostic.ID.conflict),
        ("command x {services}\n  abilities supervision", .incomplete),
        ("command x {command}\n  service-arguments {name}", .incomplete), ("package x", .incomplete),
    ])
    func aProfileSaysHowItsServicesAreTold(lines: String, id: Diagnostic.ID) {
        let parsed = parseProfiles(Array("init x\n  \(lines)\n".utf8), file: "x.init")
        #expect(parsed.diagnostics.map(\.id) == [id])
    }

    @Test func profilesAreRead() throws {
        let text = """
            # One child.
            init tini
              package tini
              command tini -- {command}
              version tini --version
              abilities forwarding, reaping
              stop signal SIGRTMIN+3
              env A=b
              tmpfs /run
            """
        let parsed = parseProfiles(Array(text.utf8), file: "tini.init")
        #expect(parsed.diagnostics.isEmpty)
        let profile = try #require(parsed.values.first)
        #expect(profile.name == "tini")
        #expect(profile.summary == "One child.")
        #expect(profile.command == ["tini", "--", "{command}"])
        #expect(profile.abilities == [.forwarding, .reaping])
        #expect(profile.stopSignal?.rawValue == 37)
    }
}
