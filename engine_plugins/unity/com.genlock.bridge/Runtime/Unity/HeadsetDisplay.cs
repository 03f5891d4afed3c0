using System.Collections.Generic;
using UnityEngine;
using UnityEngine.XR;

namespace Genlock
{
    /// <summary>What Unity knows of the display that a headset shows pictures on.</summary>
    internal sealed class HeadsetDisplay
    {
        /// <summary>Frames a second; 0: not known.</summary>
        internal float Hz { get; private set; }

        /// <summary>The XR plug-in's name for it; empty: there is no headset.</summary>
        internal string Name { get; private set; } = "";

        internal static HeadsetDisplay Find()
        {
            var found = new HeadsetDisplay();
            var displays = new List<XRDisplaySubsystem>();
            SubsystemManager.GetSubsystems(displays);
            foreach (var display in displays)
            {
                if (display.running)
                {
                    float hz;
                    found.Hz = display.TryGetDisplayRefreshRate(out hz) ? hz : 0f;
                    found.Name = display.subsystemDescriptor.id;
                    break;
                }
            }
            return found;
        }
    }
}
