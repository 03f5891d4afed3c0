using System.Collections.Generic;

namespace UnityEngine.XR.Hands
{
    public enum XRHandJointID
    {
        Invalid,
        BeginMarker,
        Wrist = BeginMarker,
        Palm,
        ThumbMetacarpal,
        ThumbProximal,
        ThumbDistal,
        ThumbTip,
        IndexMetacarpal,
        IndexProximal,
        IndexIntermediate,
        IndexDistal,
        IndexTip,
        MiddleMetacarpal,
        MiddleProximal,
        MiddleIntermediate,
        MiddleDistal,
        MiddleTip,
        RingMetacarpal,
        RingProximal,
        RingIntermediate,
        RingDistal,
        RingTip,
        LittleMetacarpal,
        LittleProximal,
        LittleIntermediate,
        LittleDistal,
        LittleTip,
        EndMarker,
    }

    public static class XRHandJointIDUtility
    {
        public static XRHandJointID FromIndex(int index)
        {
            return (XRHandJointID)(index + 1);
        }

        public static int ToIndex(this XRHandJointID jointId)
        {
            return (int)jointId - 1;
        }
    }

    public struct XRHandJoint
    {
        internal Pose Where;
        internal bool Tracked;

        public bool TryGetPose(out Pose pose)
        {
            pose = Where;
            return Tracked;
        }
    }

    public struct XRHand
    {
        internal Dictionary<XRHandJointID, Pose> Joints;

        public bool isTracked
        {
            get { return Joints != null; }
        }

        public XRHandJoint GetJoint(XRHandJointID id)
        {
            Pose pose;
            var found = Joints.TryGetValue(id, out pose);
            return new XRHandJoint { Where = pose, Tracked = found };
        }
    }

    public class XRHandSubsystem : ISubsystem
    {
        public bool running { get; internal set; } = true;

        public XRHand leftHand { get; internal set; }

        public XRHand rightHand { get; internal set; }
    }
}
