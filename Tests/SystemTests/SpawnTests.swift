import Kernel
import Testing
import Vocabulary

@Suite("Spawning")
struct SpawnTests {
    private func failure(_ steps: [SetupStep], _ arguments: [String] = ["/bin/true"]) -> SpawnError? {
        do {
            let process = try spawn(
                arguments: arguments, environment: [], searchPath: "/usr/bin:/bin", namespaces: [.mount], steps: steps)
            _ = try? process.reap(blocking: true)
            return nil
        } catch {
            return error
        }
    }

    @Test func aFailedStepIsReportedWithItsPathAndErrno() throws {
        let step = SetupStep.mount(source: "tmpfs", target: "/no/such/place", type: "tmpfs", flags: 0, data: nil)
        let error = try #require(failure([.newSession, step]))
        #expect(error.description == "mount tmpfs on /no/such/place: No such file or directory")
        guard case .step(1, step) = error.stage else { return #expect(Bool(false), "\(error.stage)") }
    }

    @Test(arguments: [
        (["/no/such/program"], "exec /no/such/program: No such file or directory"),
        (["no-such-program"], "exec no-such-program: No such file or directory"),
        (["/etc/passwd"], "exec /etc/passwd: Permission denied"),
        (["/tmp"], "exec /tmp: Permission denied"),
    ])
    func aFailedExecIsReported(arguments: [String], message: String) throws {
        #expect(failure([], arguments)?.description == message)
    }

    @Test func whatMayBeMissingIsNoFailure() {
        let step = SetupStep.mount(source: "tmpfs", target: "/no/such/place", type: "tmpfs", flags: 0, data: nil)
        #expect(failure([.ifPresent(step)]) == nil)
    }

    @Test func aProgramIsFoundInTheSearchPath() {
        #expect(failure([], ["true"]) == nil)
    }

    @Test func thePIDDescriptorTellsTheEnd() throws {
        let process = try spawn(
            arguments: ["sh", "-c", "exit 7"], environment: [], searchPath: "/bin", namespaces: [], steps: [])
        #expect(try process.reap(blocking: true) == .exited(7))
        #expect(throws: Errno.noSuchProcess) { try process.send(.term) }
    }

    @Test func aSignalledEndIsTold() throws {
        let process = try spawn(
            arguments: ["sh", "-c", "kill -USR1 $$"], environment: [], searchPath: "/bin", namespaces: [], steps: [])
        #expect(try process.reap(blocking: true) == .signaled(.usr1, dumpedCore: false))
    }
}
