using UnityEngine;
using UnityEngine.InputSystem;

namespace Genlock
{
    /// <summary>
    /// Poses and buttons of one side from Input System actions, for rigs that read controllers by them. Positions and rotations
    /// are of the tracking space, as the bindings of XR controllers give them. Actions that are defined here are enabled with this;
    /// referenced ones belong to their asset, which somebody else has to enable, such as an Input Action Manager.
    /// </summary>
    [AddComponentMenu("Genlock/Genlock Input System Source")]
    public sealed class GenlockInputSystemSource : GenlockTrackingSource
    {
        [Tooltip("Whether this is the left controller; else it is the right one.")]
        [SerializeField] private bool isLeft;

        [Tooltip("Whether the controller is tracked. Empty: always.")]
        [SerializeField] private InputActionProperty isTracked;

        [Tooltip("Where the controller points from, in the tracking space. Empty, or without Aim Rotation: it points nowhere.")]
        [SerializeField] private InputActionProperty aimPosition;

        [Tooltip("Where it points to.")]
        [SerializeField] private InputActionProperty aimRotation;

        [Tooltip("Where the controller is held, in the tracking space. Empty, or without Grip Rotation: it has no grip.")]
        [SerializeField] private InputActionProperty gripPosition;

        [Tooltip("How it is held.")]
        [SerializeField] private InputActionProperty gripRotation;

        [Tooltip("0 to 1.")]
        [SerializeField] private InputActionProperty trigger;

        [Tooltip("0 to 1.")]
        [SerializeField] private InputActionProperty squeeze;

        [Tooltip("Two axes of -1 to 1.")]
        [SerializeField] private InputActionProperty thumbstick;

        [Tooltip("Pressed: more than 0.5.")]
        [SerializeField] private InputActionProperty thumbstickClick;

        [Tooltip("A or X.")]
        [SerializeField] private InputActionProperty primary;

        [Tooltip("B or Y.")]
        [SerializeField] private InputActionProperty secondary;

        [Tooltip("The menu button.")]
        [SerializeField] private InputActionProperty menu;

        /// <inheritdoc/>
        public override void Track(TrackingFrame frame)
        {
            if (Bound(isTracked.action) && isTracked.action.ReadValue<float>() < 0.5f)
            {
                return;
            }
            Pose(frame, isLeft ? Parts.LeftAim : Parts.RightAim, aimPosition.action, aimRotation.action);
            Pose(frame, isLeft ? Parts.LeftGrip : Parts.RightGrip, gripPosition.action, gripRotation.action);
            var stick = Bound(thumbstick.action) ? thumbstick.action.ReadValue<Vector2>() : Vector2.zero;
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
            if (Bound(position) && Bound(rotation))
            {
                frame.SetPose(part, Coordinates.ToWire(position.ReadValue<Vector3>(), rotation.ReadValue<Quaternion>()));
            }
        }

        /// <summary>Whether it was assigned: Unity fills an empty field with an action that has no bindings.</summary>
        private static bool Bound(InputAction action)
        {
            return action != null && action.bindings.Count > 0;
        }

        private static float Value(InputAction action)
        {
            return Bound(action) ? action.ReadValue<float>() : 0f;
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
