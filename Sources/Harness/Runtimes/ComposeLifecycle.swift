import Model
import Vocabulary

/// One container of a service as Docker Compose drives it, by way of Docker's engine.
///
/// The rules are those of compose 5 (pkg/compose: stop.go, down.go, restart.go, convert.go): read, not tried. What the engine does with a container is
/// `DockerLifecycle`'s; Compose rounds the grace period, runs pre_stop hooks, and stops a container before it makes a new one.
public struct ComposeLifecycle: Lifecycle, Hashable {
    private let policy: ContainerPolicy
    private var engine: DockerLifecycle<DockerRestart>
    /// What is asked of the engine when the hook has ended.
    private var afterHook: Request?
    /// A new container is made once the old one has been stopped.
    private var isRecreating = false

    public var state: ContainerState { engine.state }

    /// The first version whose `restart` runs hooks (docker/compose#13318).
    static let firstVersionWithHooksInRestart = 5

    /// A container that was made, and not started.
    public init(_ policy: ContainerPolicy) {
        var ofEngine = policy
        ofEngine.grace = policy.grace.map(ComposeLifecycle.wholeSeconds)
        ofEngine.preStop = nil
        self.policy = policy
        engine = DockerLifecycle(ofEngine)
    }

    /// The engine takes whole seconds; what is left is cut off, so that 500 ms are none (pkg/utils/durationutils.go).
    static func wholeSeconds(_ time: Duration) -> Duration { .seconds(time.components.seconds) }

    public mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        switch input {
        case .asked(.stop(let grace)):
            return withHook(.stop(grace: grace.map(ComposeLifecycle.wholeSeconds)), now)
        case .asked(.restart(let grace)):
            let request = Request.restart(grace: grace.map(ComposeLifecycle.wholeSeconds))
            let runsHook = policy.engineVersion ?? 5 >= ComposeLifecycle.firstVersionWithHooksInRestart
            return runsHook && state == .running ? withHook(request, now) : ask(request, now)
        case .asked(.recreate) where state.isRunning:
            // `up` stops the old one, without its hook, and makes a new one (convergence.go: recreateContainer).
            isRecreating = true
            return recreating(ask(.stop(grace: nil), now), now)
        case .hookEnded(let code):
            guard let request = afterHook else { return [] }
            afterHook = nil
            // A hook that fails ends the stop (down.go: stopContainer).
            return code == 0 ? ask(request, now) : [.refuse("the pre_stop hook ended with \(code)")]
        case .ended where afterHook != nil:
            // The hook has ended with it, by SIGKILL.
            afterHook = nil
            return engine.handle(input, at: now) + [.refuse("the pre_stop hook ended with 137")]
        default: return recreating(engine.handle(input, at: now), now)
        }
    }

    private mutating func ask(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        engine.handle(.asked(request), at: now)
    }

    /// A hook has a time of its own, before the grace period. In what is paused or restarting none can be run, and then Compose does not stop
    /// it, and says that it has (down.go: NotFound, Conflict).
    private mutating func withHook(_ request: Request, _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard let hook = policy.preStop else { return ask(request, now) }
        guard state == .running else { return [.done] }
        afterHook = request
        return [.runHook(hook)]
    }

    /// The old container is stopped: the answer to that is the beginning of the new one.
    private mutating func recreating(_ commands: [LifecycleCommand], _ now: MonotonicInstant) -> [LifecycleCommand] {
        guard isRecreating, commands.contains(.done) else { return commands }
        isRecreating = false
        return commands.filter { $0 != .done } + ask(.recreate, now)
    }
}
