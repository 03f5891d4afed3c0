using UnityEngine;
using UnityEngine.InputSystem;

namespace Genlock
{
    /// <summary>
    /// Poses and buttons of one side from Input System actions, for rigs that read controllers by them. Positions and rotations
    /// are of the tracking space, as the bindings of XR controllers give them.
    /// </summary>
    [AddComponentMenu("Genlock/Genlock Input System Source")]
    public sealed class GenlockInputSystemSource : GenlockTrackingSource
    {
        [SerializeField] private bool isLeft;
        [SerializeField] private InputActionProperty isTracked;
        [SerializeField] private InputActionProperty aimPosition;
        [SerializeField] private InputActionProperty aimRotation;
        [SerializeField] private InputActionProperty gripPosition;
        [SerializeField] private InputActionProperty gripRotation;
        [SerializeField] private InputActionProperty trigger;
        [SerializeField] private InputActionProperty squeeze;
        [SerializeField] private InputActionProperty thumbstick;
        [SerializeField] private InputActionProperty thumbstickClick;
        [SerializeField] private InputActionProperty primary;
        [SerializeField] private InputActionProperty secondary;
        [SerializeField] private InputActionProperty menu;

        /// <inheritdoc/>
        public override void Track(TrackingFrame frame)
        {
            if (isTracked.action != null && isTracked.action.ReadValue<float>() < 0.5f)
            {
                return;
            }
            Pose(frame, isLeft ? Parts.LeftAim : Parts.RightAim, aimPosition.action, aimRotation.action);
            Pose(frame, isLeft ? Parts.LeftGrip : Parts.RightGrip, gripPosition.action, gripRotation.action);
            var stick = thumbstick.action == null ? Vector2.zero : thumbstick.action.ReadValue<Vector2>();
            frame.SetButtons(
                isLeft ? Parts.LeftButtons : Parts.RightButtons,
                new Buttons
                {
                    Trigger = Value(trigger.action),
                    Squeeze = Value(squeeze.action),
                    ThumbstickX = stick.x,
                    ThumbstickY = stick.y,
                    ThumbstickClick = Value(thumbstickClick.action) > 0.5f,
                    Primary = Value(primary.action) > 0.5f,
                    Secondary = Value(secondary.action) > 0.5f,
                    Menu = Value(menu.action) > 0.5f,
                });
        }

        private void OnEnable()
        {
            SetEnabled(true);
        }

        private void OnDisable()
        {
            SetEnabled(false);
        }

        private static void Pose(TrackingFrame frame, Parts part, InputAction position, InputAction rotation)
        {
            if (position != null && rotation != null)
            {
                frame.SetPose(part, Coordinates.ToWire(position.ReadValue<Vector3>(), rotation.ReadValue<Quaternion>()));
            }
        }

        private static float Value(InputAction action)
        {
            return action == null ? 0f : action.ReadValue<float>();
        }

        private void SetEnabled(bool enable)
        {
            var all = new[]
            {
                isTracked, aimPosition, aimRotation, gripPosition, gripRotation, trigger, squeeze, thumbstick, thumbstickClick,
                primary, secondary, menu,
            };
            foreach (var property in all)
            {
                // A reference's action belongs to an asset that somebody else may need.
                if (property.reference != null || property.action == null)
                {
                    continue;
                }
                if (enable)
                {
                    property.action.Enable();
                }
                else
                {
                    property.action.Disable();
                }
            }
        }
    }
}
