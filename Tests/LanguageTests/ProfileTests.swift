import Language
import Model
import Testing

/// Profiles that tell an init of its services by files.
@Suite("Profiles")
struct ProfileTests {
    private func profile(_ lines: String) -> Parsed<InitProfile> {
        parseProfiles(Array(("init x\n  command x\n" + lines).utf8), file: "x.init")
    }

    private let subject = Template.Subject(
        name: "api", after: ["db", "cache"], command: "/f as api", kind: .forking, pidFile: nil, position: 3)

    @Test func aLineStandsForEachValueAndNotWithoutOne() {
        let text =
            "Name={name}\nAfter={after}.service\nPIDFile={pidfile}\n{if forking}Type=forking\n{if oneshot}No=1\nP={position}\n"
        #expect(
            Template.filled(text, for: subject)
                == "Name=api\nAfter=db.service\nAfter=cache.service\nType=forking\nP=3\n")
    }

    @Test func namesStandForAllOfThem() {
        #expect(Template.filled("start {names}\n", names: ["a", "b"]) == "start a b\n")
    }

    @Test func filesAndLinksAreRead() throws {
        let parsed = profile(
            """
              abilities supervision
              layer /opt/x
              cgroup rw
              capability SYS_BOOT
              file /etc/x/{name}/run mode 755
                | #!/bin/sh
                | exec {command}
              file /etc/x.conf
                | [x]
              each service adds to /etc/x.conf
                | {name}
              link /etc/on/{name} to ../x/{name}

            """)
        #expect(parsed.diagnostics == [])
        let read = try #require(parsed.values.first)
        #expect(read.files.map(\.path) == ["/etc/x/{name}/run", "/etc/x.conf"])
        #expect(read.files[0].mode == 0o755)
        #expect(read.files[0].text == "#!/bin/sh\nexec {command}\n")
        #expect(read.additions[0].text == "{name}\n")
        #expect(read.links == [Link(path: "/etc/on/{name}", target: "../x/{name}")])
        #expect(read.layers == ["/opt/x"])
        #expect(read.capabilities == [.sysBoot])
    }

    @Test func whatElseItNeedsIsRead() {
        #expect(profile("  needs runsvdir, sv\n").values.first?.programs == ["runsvdir", "sv"])
    }

    @Test func whyOneCannotBeRunIsRead() {
        #expect(profile("  unusable \"tried without success\"\n").values.first?.unusable == "tried without success")
        let known = profile("  known failure PG04, \"a title\" because \"design\"\n  known failure SF01\n").values
            .first?.knownFailures
        #expect(known?.map(\.rows) == [["PG04", "a title"], ["SF01"]] && known?.map(\.reason) == ["design", ""])
        #expect(known?.last?.place.line == (known?.first?.place.line ?? 0) + 1)
        // A file that says nothing else of an init.
        let alone = "init none\n  known failure SF01\n"
        #expect(parseProfiles(Array(alone.utf8), file: "f", needsCommand: false).diagnostics.isEmpty)
        #expect(!parseProfiles(Array(alone.utf8), file: "f").diagnostics.isEmpty)
    }

    @Test(arguments: [
        ("  file /etc/x\n    | {name}\n", "x.init:3:3: '{name}' has no meaning in a text that is there once"),
        (
            "  file /etc/{name}\n    | {names}\n",
            "x.init:3:3: '{names}' has no meaning in a text that is there for each service"
        ),
        ("  each service adds to /etc/x\n    | a\n", "x.init:3:3: there is no 'file /etc/x' to add to"),
        ("  cgroup rw\n    | a\n", "x.init:4:5: this line of a profile has no block"),
        (
            "  abilities supervision\n",
            "x.init:1:1: an init with supervision or ordering has '{services}' in its command, or files that name them"
        ),
    ])
    func mistakesAreTold(lines: String, message: String) {
        #expect(profile(lines).diagnostics.map { "\($0.place): \($0.message)" } == [message])
    }
}
