# Buildkeep's AppArmor profile of the builder buildah. Generated: python -m tools.generate
# The features of AppArmor 3.0: a newer parser takes them too, and what came later, such as the rule for user
# namespaces of 4.0, is then not asked about. A process that a profile confines is not held by the switch
# kernel.apparmor_restrict_unprivileged_userns either, which is about unconfined ones.
abi <abi/3.0>,

profile @NAME@ flags=(attach_disconnected, mediate_deleted) {
  # What of these a container has is decided by its user, its capabilities and its seccomp profile.
  file,
  network,
  unix,
  capability,

  # The runtime and the host's own processes end it; its processes signal and trace each other, and nobody else.
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (send, receive) peer=@NAME@,
  ptrace (read, readby, trace, tracedby) peer=@NAME@,

  # Settings of the kernel that no namespace holds, also where a build is root of its own.
  deny /proc/[a-zA-Z]* wkl,
  deny /proc/{acpi,asound,bus,driver,fs,irq,scsi,sysvipc,tty}/** wkl,
  deny /proc/sys/{,**} wkl,
  deny /proc/{kcore,kmem,mem,sysrq-trigger} rwklx,
  deny /sys/{,**} wkl,
  deny /sys/firmware/{,**} rwklx,
  deny /sys/kernel/{debug,security,tracing}/{,**} rwklx,
  deny /sys/devices/virtual/powercap/{,**} rwklx,

  # For the system calls that this builder has beyond RuntimeDefault.
  mount,
  remount,
  pivot_root,
  umount,
}
