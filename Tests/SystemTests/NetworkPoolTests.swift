import Glibc
import Harness
import Kernel
import TestSupport
import Testing
import Vocabulary

/// A network namespace is used again only where nothing that has been in it can be seen any more.
@Suite("Network namespaces that are used again", .timeLimit(.minutes(2)))
struct NetworkPoolTests {
    /// What a program does, and whether something of it stays.
    static let programs: [(script: String, stays: Bool)] = [
        ("exit 0", false),
        // Each is visible to who comes next: a connection that waits for its end, counters, a name that is taken for a while.
        (
            #"python3 -c 'import socket; s=socket.create_server(("127.0.0.1",7)); c=socket.create_connection(("127.0.0.1",7)); a=s.accept()[0]; c.close(); a.close()'"#,
            true
        ),
        (
            #"python3 -c 'import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.sendto(b"x",("127.0.0.1",9))'"#,
            true
        ),
        (
            #"python3 -c 'import socket; s=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); s.sendto(b"x",("::1",9))'"#,
            true
        ),
        (
            #"python3 -c 'import socket; s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); s.bind(("lo",0)); s.send(b"x"*60)'"#,
            true
        ),
        // These end with the process.
        (#"python3 -c 'import socket; s=socket.socket(socket.AF_UNIX); s.bind("\0name"); s.listen()'"#, false),
        (#"python3 -c 'import socket; s=socket.create_server(("0.0.0.0",80))'"#, false),
    ]

    @Test(arguments: programs)
    func whatStaysIsNotFoundByTheNext(program: (script: String, stays: Bool)) async throws {
        let (made, usedAgain) = try await blocking {
            let session = try Session(fakeServices: Checkout.fakeServices)
            defer { session.close() }
            let text = """
                scenario "one"
                  file /program mode 755
                    | #!/bin/sh
                    | \(program.script)
                  command /program
                  start
                  expect exit 0 within 20s
                """
            let job = Session.Job(try scenarios(text)[0], .none)
            for _ in 0..<5 {
                let results = try session.run([job], atOnce: 1)
                #expect(results.allSatisfy { $0.verdict == .passed }, "\(results.map(\.output))")
                session.awaitNetworks()
            }
            return (session.networkStatistics.made, session.networkStatistics.usedAgain)
        }
        // On a busy machine the kernel may take its time to free a socket: then the namespace is thrown away.
        #expect(program.stays ? made == 5 : made < 5)
        #expect(made + usedAgain == 5)
    }

    /// Of one that could change what is not looked at, settings for instance, nothing is used again.
    @Test(arguments: ["NET_ADMIN", "SYS_BOOT"])
    func whoMayChangeItHasItsOwn(capability: String) async throws {
        let made = try await blocking {
            let session = try Session(fakeServices: Checkout.fakeServices)
            defer { session.close() }
            let scenario = try scenarios(
                "scenario \"one\"\n  capability \(capability)\n  command true\n  start\n  expect exit 0 within 20s\n")[
                    0]
            let results = try session.run(Array(repeating: Session.Job(scenario, .none), count: 3), atOnce: 1)
            #expect(results.allSatisfy { $0.verdict == .passed })
            return session.networkStatistics
        }
        #expect(made == (0, 0))
    }

    /// All of it is compared here, the settings too: who has Docker's capabilities cannot change one, as root and on every way there is.
    @Test func settingsStayAsTheyAre() async throws {
        let script = """
            for f in $(find /proc/sys/net -type f); do v=$(cat $f 2>/dev/null) && { echo 1 > $f; echo $v > $f; } 2>/dev/null && echo changed $f; done
            mount -o remount,rw /proc/sys 2>/dev/null && echo remounted
            mkdir /p && mount -t proc proc /p 2>/dev/null && echo mounted
            unshare -r true 2>/dev/null && echo unshared
            ip link set lo mtu 1280 2>/dev/null && echo mtu
            exit 0
            """
        let text = """
            scenario "settings"
              file /program mode 755
                | #!/bin/sh
            \(script.split(separator: "\n").map { "    | " + $0 }.joined(separator: "\n"))
              command /program
              start
              expect exit 0 within 60s
            """
        let result = try #require(try await run(try scenarios(text), on: [.none]).first)
        #expect(result.verdict == .passed)
        #expect(result.output == [])
    }

    /// What a program sees of its network: every file of /proc/net and every setting, but what is the whole machine's or counts by the clock;
    /// of netlink only how many sockets there are, which the kernel numbers anew in each namespace.
    private static let all = """
        for f in /proc/net/* $(find /proc/sys/net -type f | sort); do
          case $f in */softnet_stat|*/protocols|*/ptype|*/psched|*/connector|*/sockstat*|*/rt_cache|*/nf_conntrack*|*/stat|*/netlink) continue;; esac
          [ -f $f ] && echo "$f: $(cat $f 2>/dev/null | cksum)"
        done
        wc -l < /proc/net/netlink
        cat /proc/net/sockstat | cut -d' ' -f1-3
        exit 0
        """

    /// Everything that can be seen is compared here, which would take too long at each start: one that was used looks as one that was not.
    @Test func oneThatIsUsedAgainLooksAsANewOne() async throws {
        @Sendable func scenario(_ script: String) -> String {
            """
            scenario "one"
              file /program mode 755
                | #!/bin/sh
            \(script.split(separator: "\n").map { "    | " + $0 }.joined(separator: "\n"))
              command /program
              start
              expect exit 0 within 60s
            """
        }
        let user = """
            python3 -c 'import socket
            a=socket.socket(socket.AF_UNIX); a.bind("\\0name"); a.listen()
            b=socket.create_server(("127.0.0.1",80)); c=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); c.bind(("::",53))
            d=socket.socket(socket.AF_NETLINK,socket.SOCK_RAW,0); e=socket.socket(socket.AF_PACKET,socket.SOCK_RAW); e.bind(("lo",0))'
            """
        try await blocking {
            let session = try Session(fakeServices: Checkout.fakeServices)
            defer { session.close() }
            func run(_ script: String) throws -> RunResult {
                let result = try #require(
                    try session.run([Session.Job(try scenarios(scenario(script))[0], .none)], atOnce: 1).first)
                #expect(result.verdict == .passed, "\(result.verdict) \(result.output)")
                session.awaitNetworks()
                return result
            }
            let fresh = try run(Self.all).output
            #expect(fresh.count > 300)
            // On a busy machine the kernel may take its time to free a socket: then the next one is new.
            for _ in 0..<5 {
                _ = try run(user)
                let usedBefore = session.networkStatistics.usedAgain
                let again = try run(Self.all).output
                #expect(again == fresh, "\(Set(again).symmetricDifference(fresh).sorted())")
                if session.networkStatistics.usedAgain > usedBefore { return }
            }
            Issue.record("none was used again")
        }
    }

    @Test func aNamespaceIsAsNewUntilSomethingHappensInIt() throws {
        let network = try NetworkNamespace()
        #expect(network.isAsNew)
        #expect(network.isAsNew)
    }
}
